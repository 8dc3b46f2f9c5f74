"""What runs in a home: devices, a durable spool, the uplink, and a voice for the elder."""
