"""On-call shifts of communities, and their handovers."""
