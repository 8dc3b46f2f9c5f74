"""The platform: ingest, storage, watch, alerts, visits and pages; the only place where the parts meet."""
