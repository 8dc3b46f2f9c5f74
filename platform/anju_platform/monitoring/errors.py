"""What monitoring refuses, and what it could not do."""

from __future__ import annotations

from anju_core.errors import NotFound


class UnwatchedHome(NotFound):
    """There is no such home in the database."""

    def __init__(self, home_id: str) -> None:
        super().__init__(f"there is no home {home_id!r} to monitor")
        self.home_id = home_id


class MonitoringFailed(RuntimeError):
    """Some of what was due could not be stored; it stays due and is tried again at the next sweep."""

    def __init__(self, failed: int) -> None:
        super().__init__(f"{failed} changes could not be stored")
        self.failed = failed
