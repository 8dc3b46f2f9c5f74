"""The sub-commands `anju train`, `anju evaluate` and `anju bench`."""
