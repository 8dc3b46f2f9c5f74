"""Anju's signal algorithms: falls, inactivity and blindness, in numpy and scipy alone, without any I/O."""
