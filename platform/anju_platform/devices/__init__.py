"""The register of gateways and sensors: when each was last seen, and quarantine for messages that cannot be read."""
