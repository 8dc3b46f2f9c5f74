"""The daily routine: a digest of each home's day, and notes where the routine has changed."""
