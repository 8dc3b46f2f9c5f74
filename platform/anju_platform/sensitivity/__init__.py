"""The false-alert targets of communities, and their changes."""
