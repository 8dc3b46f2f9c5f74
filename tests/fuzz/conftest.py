"""Fixtures of the tests with hostile messages."""

from fuzz.fuzzed_platform import fuzzed, quiet_log

__all__ = ["fuzzed", "quiet_log"]
