"""The records: one declarative base, column types, the session factory and the unit of work."""
