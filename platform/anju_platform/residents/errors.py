"""Errors of the residents' slice."""

from __future__ import annotations

from datetime import datetime

from anju_core.errors import Conflict, Invalid, NotFound


class HomeNotFound(NotFound):
    """There is no such home, or it is out of the asker's scope."""

    def __init__(self, home_id: str) -> None:
        super().__init__(f"there is no home {home_id!r}")
        self.home_id = home_id


class CommunityNotFound(NotFound):
    """There is no such community."""

    def __init__(self, community_id: str) -> None:
        super().__init__(f"there is no community {community_id}")
        self.community_id = community_id


class InvalidAbsence(Invalid):
    """An absence that ends before it begins, lies in the past, or is too long."""

    def __init__(self, start: datetime, until: datetime, why: str) -> None:
        super().__init__(f"absence from {start.isoformat()} until {until.isoformat()}: {why}")
        self.start = start
        self.until = until
        self.why = why


class AbsenceEnded(Conflict):
    """The absence is over already."""

    def __init__(self, ended_at: datetime) -> None:
        super().__init__(f"the absence ended at {ended_at.isoformat()}")
        self.ended_at = ended_at


class NoDoorCode(Conflict):
    """The home has no door code on record."""

    def __init__(self, home_id: str) -> None:
        super().__init__(f"home {home_id} has no door code on record")
        self.home_id = home_id


class ReasonMissing(Invalid):
    """A door code was asked for without a reason."""

    def __init__(self, what: str) -> None:
        super().__init__(f"say why you need the {what}; it is logged")
        self.what = what
