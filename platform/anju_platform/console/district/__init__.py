"""District: figures recomputed from events, each with its target and its denominator."""
