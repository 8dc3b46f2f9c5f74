"""Homes from which no data is received."""
