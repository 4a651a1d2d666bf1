"""Measurements, not tests: `make bench` compares the product with the raw ceiling in the same run."""
