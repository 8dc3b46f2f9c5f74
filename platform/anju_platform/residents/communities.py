"""How often a community lets the detectors be wrong. A running platform reads it within a minute."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from anju_platform.records.work import UnitOfWork
from anju_platform.residents.errors import UnknownCommunity, WishOutOfRange
from anju_platform.residents.models import Community

FALSE_ALERTS = 0.01, 100.0
ROUTINE_CHANGES = 0.01, 5.0
"""What the detectors take, per home and month."""


def communities(work: UnitOfWork) -> Sequence[Community]:
    """All of them, by id."""
    return work.session.scalars(select(Community).order_by(Community.id)).all()


def wish(
    work: UnitOfWork, community_id: str, *, false_alerts: float | None = None, routine_changes: float | None = None
) -> Community:
    """Set what is given, per home and month. Raises `UnknownCommunity`, `WishOutOfRange`; then nothing is set."""
    community = work.session.get(Community, community_id, with_for_update=True)
    if community is None:
        raise UnknownCommunity(community_id)
    for name, value, (least, most) in (
        ("false alerts", false_alerts, FALSE_ALERTS),
        ("changes of routine", routine_changes, ROUTINE_CHANGES),
    ):
        if value is not None and not least <= value <= most:
            raise WishOutOfRange(name, value, least, most)
    if false_alerts is not None:
        community.false_alerts_per_month = false_alerts
    if routine_changes is not None:
        community.routine_changes_per_month = routine_changes
    work.session.flush()
    return community
