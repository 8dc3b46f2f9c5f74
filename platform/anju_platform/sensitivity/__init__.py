"""How often a community lets the detectors be wrong: the one number it chooses, what it brings, who changed it."""
