"""A synthetic Baoji: employers, insured women, and their claims as they really come, dirt and all.

Everything follows from a seed and a date, so a test can make the same city again. The figures are estimates for test
data (`city.yaml`), not statistics.
"""
