"""Runs the detectors over recordings and computes how well they do, with confidence intervals."""
