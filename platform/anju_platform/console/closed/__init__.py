"""Closed alerts: the list, and its export."""
