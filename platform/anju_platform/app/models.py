"""Every table of the platform: what is migrated, and what the database is compared with."""

from __future__ import annotations

from anju_platform.app.slices import load_metadata

METADATA = load_metadata()
