"""Detectors of falls, inactivity, changes of routine and offline homes: numpy only, no I/O."""
