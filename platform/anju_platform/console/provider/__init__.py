"""The provider's dispatcher: people, running visits, offers."""
