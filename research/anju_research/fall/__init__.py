"""Fits the fall model to recordings of worn accelerometers."""
