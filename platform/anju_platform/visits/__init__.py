"""Visits: providers, offers, arrival, tasks, report, confirmation. The decisions are in `anju_core.dispatch`."""
