"""Keeps the times of sessions and locked logins true when the clock was wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from anju_platform.accounts import repository
from anju_platform.accounts.lockout import LOGIN_RULE, LockoutRule
from anju_platform.accounts.sign_in import LONGEST_STAY
from anju_platform.db.unit_of_work import UnitOfWork


class SessionDeadlines:
    """When sessions end, and until when logins are locked."""

    def __init__(self, lockout: LockoutRule = LOGIN_RULE) -> None:
        self._lockout = lockout

    def shift_deadlines(self, work: UnitOfWork, by: timedelta) -> None:
        """Move every deadline by `by`, as the clock is moved: a step signs nobody out and locks nobody out."""
        for tried in repository.lock_failures(work.session, wait=True):  # first, as whoever signs in does
            tried.last_at += by
            tried.locked_until = None if tried.locked_until is None else tried.locked_until + by
        for session in repository.lock_sessions(work.session, wait=True):
            session.seen_at += by
            session.expires_at += by
        work.session.flush()

    def bound_deadlines(self, work: UnitOfWork, now: datetime) -> int:
        """End no session and no lock later than one that began now; returns how many were moved."""
        moved = 0
        for session in repository.lock_sessions(work.session, wait=False):
            session.seen_at = min(session.seen_at, now)
            if session.expires_at > now + LONGEST_STAY:
                session.expires_at, moved = now + LONGEST_STAY, moved + 1
        for tried in repository.lock_failures(work.session, wait=False):
            tried.last_at = min(tried.last_at, now)
            if tried.locked_until is not None and tried.locked_until > now + self._lockout.longest:
                tried.locked_until, moved = now + self._lockout.longest, moved + 1
        work.session.flush()
        return moved
