"""Words for people: translation, times as they are told, display names of the vocabulary. Knows no slice."""
