"""Alerts: their life, their history, escalation, calls. The decisions are in `anju_core.alerts`."""
