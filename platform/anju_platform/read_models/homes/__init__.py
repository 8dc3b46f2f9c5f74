"""Homes, their residents, and what is known of them now."""
