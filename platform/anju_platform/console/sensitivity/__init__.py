"""How many false alerts a community accepts, and what follows from it."""
