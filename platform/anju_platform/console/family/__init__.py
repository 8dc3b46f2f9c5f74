"""Family: one sentence about a home, and what may be shared."""
