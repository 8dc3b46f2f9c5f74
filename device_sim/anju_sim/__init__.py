"""Simulated homes, replay of recordings, network faults, and the evaluator of scenarios."""
