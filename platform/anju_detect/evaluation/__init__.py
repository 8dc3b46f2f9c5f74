"""Statistics of how well the detectors do on recordings: pure arithmetic over what they said."""
