"""The platform: ingest, storage, monitoring, alerts, visits and pages; the only place where the parts meet."""
