from services.certification.main import main

main()
