"""The district's key performance indicators, computed from events."""
