"""Fits the inactivity model to recorded homes."""
