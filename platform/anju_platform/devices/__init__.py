"""Devices: gateways and sensors, what each last said, which homes are blind; quarantine for what could not be read."""
