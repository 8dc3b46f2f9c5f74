"""Anju's signal algorithms: falls, inactivity and blindness, in numpy alone, without any I/O."""
