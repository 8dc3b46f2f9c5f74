"""How a worker who goes in person proves that she is there: by a code that the home says, or by a second person."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from anju_core.actor import Actor
from anju_core.announcements import CODE_AGAIN_EXPIRES_S, CODE_EXPIRES_S, code_again, visit_code
from anju_core.dispatch import MAX_WRONG_CODES, Proof, prove_arrival
from anju_core.vocabulary import Role
from anju_platform.alerts.errors import NoMoreArrivalCodes, WrongArrivalCode
from anju_platform.alerts.models import Alert
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.service import OutboxService

CODE_DIGITS = 6


def make_arrival_code() -> str:
    """Return a one-time code that can be heard from a speaker and typed with a thumb."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


class ArrivalProofs:
    """Issues the code of an alert and checks what is given as its proof.

    new_code: makes a one-time code of digits.
    """

    def __init__(self, outbox: OutboxService, new_code: Callable[[], str]) -> None:
        self._outbox = outbox
        self._new_code = new_code

    def issue_code(self, work: UnitOfWork, alert: Alert, actor: Actor) -> None:
        """Announce in the home the code that its visitor reads there; an alert has one code."""
        if alert.arrival_code:
            return
        alert.arrival_code = self._new_code()
        message = visit_code(actor.name, alert.arrival_code)
        self._outbox.notify_home(work, alert.home_id, message, alert_id=alert.id, expires_s=CODE_EXPIRES_S)

    def say_code(self, work: UnitOfWork, alert: Alert, actor: Actor) -> None:
        """Announce the code of a worker who stands at the door: once more, slowly and twice, where it was said."""
        if alert.arrival_code:
            self.repeat_code(work, alert)
        else:
            self.issue_code(work, alert, actor)

    def repeat_code(self, work: UnitOfWork, alert: Alert) -> None:
        """Announce once more the code that an alert has."""
        message = code_again(alert.acknowledged_by_name, alert.arrival_code)
        self._outbox.notify_home(work, alert.home_id, message, alert_id=alert.id, expires_s=CODE_AGAIN_EXPIRES_S)

    def check_proof(self, work: UnitOfWork, alert: Alert, actor: Actor, code: str | None) -> Proof | None:
        """Return what proves that somebody is at the home; None where nothing does.

        A supervisor who did not acknowledge the alert attests by her word. Raises `WrongArrivalCode`, which is
        counted, and `NoMoreArrivalCodes` once `anju_core.dispatch.MAX_WRONG_CODES` were given.
        """
        attested = actor.role is Role.SUPERVISOR and alert.acknowledged_by not in {None, actor.account_id}
        arrival = prove_arrival(code=code, expected=alert.arrival_code, attested=attested)
        if arrival.code_matches is None or arrival.proof is Proof.ATTESTED:
            return arrival.proof
        if alert.wrong_codes >= MAX_WRONG_CODES:
            raise NoMoreArrivalCodes(alert.id, alert.wrong_codes)
        if arrival.proof is None:
            alert.wrong_codes += 1
            work.session.flush()
            raise WrongArrivalCode(alert.id, MAX_WRONG_CODES - alert.wrong_codes)
        return arrival.proof
