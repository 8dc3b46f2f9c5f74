"""Fitting of the two learners that the detectors use: gradient boosted trees and support vector machines."""
