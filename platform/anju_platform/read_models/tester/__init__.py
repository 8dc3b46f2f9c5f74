"""Commands to the simulator, and what they led to."""
