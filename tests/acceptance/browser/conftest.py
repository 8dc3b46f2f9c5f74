"""Fixtures of the browser tests; only these load the whole platform and Playwright."""

from fixtures._browser import browsers, chromium, live

__all__ = ["browsers", "chromium", "live"]
