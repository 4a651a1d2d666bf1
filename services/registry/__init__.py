"""Who: persons, employers, coverage and contributions. Personal data lives here and nowhere else."""
