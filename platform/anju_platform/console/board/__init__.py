"""The community worker's alert board."""
