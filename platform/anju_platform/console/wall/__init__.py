"""The screen on the wall of a duty room: read from five metres, without a name."""
