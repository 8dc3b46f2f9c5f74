"""Composition: builds the platform from its settings, serves it over HTTP, migrates its database, runs its jobs."""
