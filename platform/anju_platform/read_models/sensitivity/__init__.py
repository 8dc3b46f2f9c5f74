"""What a community's false-alert target means there."""
