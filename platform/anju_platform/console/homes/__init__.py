"""Homes that the platform cannot see."""
