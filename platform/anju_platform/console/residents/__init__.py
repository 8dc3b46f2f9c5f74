"""Search for residents, and a home's page."""
