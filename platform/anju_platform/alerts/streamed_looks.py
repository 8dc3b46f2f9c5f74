"""Writes down at whose homes somebody looks through a stream of events."""

from __future__ import annotations

import json
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from anju_core.actor import Actor
from anju_platform.accounts.looks import COALESCED, record_looks
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.web.hub import Message

log = structlog.get_logger("anju.access")


class StreamedLooks:
    """Is told each event of one stream. An event of a home that was noted within `COALESCED` costs no statement."""

    def __init__(self, work: WorkFactory, actor: Actor) -> None:
        self._work, self._actor = work, actor
        self._noted: dict[str, datetime] = {}

    def __call__(self, message: Message) -> None:
        """Write the look at the home that the event is about, if it names one; never raises for a database away."""
        home_id = _home_of(message)
        if home_id is None:
            return
        try:
            with self._work() as work:
                now = work.clock.now()
                if home_id in self._noted and now - self._noted[home_id] < COALESCED:
                    return
                work.only_read()
                record_looks(work, self._actor, "stream", [home_id])
            self._noted[home_id] = now
        except SQLAlchemyError as error:
            who, why = str(self._actor.account_id), type(error).__name__
            log.error("look_not_recorded", account=who, home=home_id, error=why)  # noqa: TRY400 - its trace holds values


def _home_of(message: Message) -> str | None:
    """Return the home that an event names; None where its data is no JSON object or names none."""
    try:
        data = json.loads(message.data)
    except ValueError:
        return None
    home_id = data.get("home_id") if isinstance(data, dict) else None
    return home_id if isinstance(home_id, str) else None
