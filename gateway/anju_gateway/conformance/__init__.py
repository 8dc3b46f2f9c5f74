"""Tries a gateway of any maker against docs/protocol.md: plays the platform, and says what it does otherwise."""
