"""Alerts that are over: searched, listed and exported."""
