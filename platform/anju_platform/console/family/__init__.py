"""What a family sees of a home, as far as the elder shares it."""
