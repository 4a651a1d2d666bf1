"""What is owed to the insured: intake, determination, payable."""
