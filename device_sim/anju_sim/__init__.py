"""Simulated homes, replayed recordings, scripted stories, and the judge that says whether what must follow did."""
