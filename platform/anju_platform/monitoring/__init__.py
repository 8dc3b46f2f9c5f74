"""Watch: detectors fed per batch and swept each second; which homes are offline."""
