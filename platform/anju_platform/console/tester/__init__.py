"""Tester: drives the simulated homes and draws each event through its stages."""
