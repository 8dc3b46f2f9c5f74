"""Ingest: MQTT in, a batch decoded once, identity checked, duplicates dropped, stored, acknowledged."""
