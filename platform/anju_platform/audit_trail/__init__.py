"""The sealing of histories and looks: a hash chain over entries that are never changed, and the search for changes."""
