"""Fits the learners of the detectors: gradient boosted trees and support vector machines."""
