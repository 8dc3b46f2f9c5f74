"""Duty: who is on shift in a community, and what was handed over."""
