"""Charts of a home's daily routine, and its quiet notes."""
