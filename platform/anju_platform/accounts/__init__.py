"""Accounts, sessions, roles and scope, and the audit of every read of personal data."""
