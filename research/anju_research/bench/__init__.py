"""Benchmarks of ingest, sweep, detectors and the nightly routine job."""
