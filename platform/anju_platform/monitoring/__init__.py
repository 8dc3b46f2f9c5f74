"""Monitoring: feeds the detectors with each batch, sweeps them each second, and decides which homes are offline."""
