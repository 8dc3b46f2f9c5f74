"""Evaluation results as one self-contained HTML file or as tables for a terminal."""
