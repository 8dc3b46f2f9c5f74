"""The sentence that tells relatives how somebody is."""
