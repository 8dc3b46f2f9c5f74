"""The daily routine: a digest of each home's day, and quiet notes where a life has changed."""
