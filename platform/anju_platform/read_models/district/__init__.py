"""The district's indicators, computed from alerts and visits."""
