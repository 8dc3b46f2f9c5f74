"""The outbox: every message to a person is a row first, then a delivery, and a failed delivery is an event."""
