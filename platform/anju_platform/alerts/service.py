"""The commands that people give on alerts. The decisions are in `anju_core.alerts`."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from anju_core.actor import Actor
from anju_core.alert_offers import undo_until
from anju_core.alerts import AlertAlreadyAcknowledged, AlertCommand, is_held_by_another
from anju_core.dispatch import Proof
from anju_core.events import AlertResolved, VisitRequested
from anju_core.evidence import PROOF, check_closing
from anju_core.vocabulary import AlertKind, CallOutcome, Outcome, VisitCategory
from anju_platform.alerts.arrival_proofs import ArrivalProofs
from anju_platform.alerts.models import Alert
from anju_platform.alerts.transitions import AlertTransitions
from anju_platform.db.unit_of_work import UnitOfWork

VISIT_CATEGORY: Mapping[AlertKind, VisitCategory] = {
    AlertKind.SOS: VisitCategory.EMERGENCY,
    AlertKind.FALL: VisitCategory.EMERGENCY,
    AlertKind.SMOKE: VisitCategory.EMERGENCY,
    AlertKind.GAS: VisitCategory.EMERGENCY,
    AlertKind.CARBON_MONOXIDE: VisitCategory.EMERGENCY,
    AlertKind.DEVICE_ALARM: VisitCategory.EMERGENCY,
    AlertKind.LEAK: VisitCategory.WELFARE_CHECK,
    AlertKind.INACTIVITY: VisitCategory.WELFARE_CHECK,
    AlertKind.AWAY_LONG: VisitCategory.WELFARE_CHECK,
    AlertKind.HOME_OFFLINE: VisitCategory.REPAIR,
    AlertKind.GATEWAY_FLOODING: VisitCategory.REPAIR,
}
"""The category of the visit that an alert asks for, unless the worker chooses another."""


class AlertService:
    """Carries out what a person does about an alert.

    Every method belongs to one transaction: it flushes, the edge commits. Each raises `AlertNotFound` for an alert out
    of the actor's scope, `AlertClosed` after its end, and where the table of `anju_core.alerts` forbids the command
    `AlertNotAcknowledged`, `AlertAlreadyAcknowledged` or `AlertStepNotPossible`.
    """

    def __init__(self, transitions: AlertTransitions, arrivals: ArrivalProofs) -> None:
        self._transitions = transitions
        self._arrivals = arrivals

    def acknowledge_alert(
        self, work: UnitOfWork, alert_id: UUID, actor: Actor, *, asks: bool = False, over: UUID | None = None
    ) -> None:
        """Make the actor the one who sees to the alert; raises `AlertAlreadyAcknowledged` with who was first.

        asks: where somebody else has it, and is not late, it is taken from her only if she is `over`: who may take it
        all the same has then been told who has it.
        """
        decided = self._transitions.decide_command(work, alert_id, AlertCommand.ACKNOWLEDGE, actor)
        alert, facts = decided.alert, decided.facts
        if decided.move.step is None:
            return
        if asks and is_held_by_another(facts, actor) and facts.acknowledged_by != over:
            raise AlertAlreadyAcknowledged(alert_id, facts.acknowledged_by_name)
        now = work.clock.now()
        alert.acknowledged_by, alert.acknowledged_by_name, alert.acknowledged_at = actor.account_id, actor.name, now
        alert.late = False
        detail = {"from": facts.acknowledged_by_name} if facts.acknowledged_by is not None else {}
        self._transitions.apply_move(work, alert, decided.move, now, actor=actor, detail=detail)

    def unacknowledge_alert(self, work: UnitOfWork, alert_id: UUID, actor: Actor) -> None:
        """Hand the alert back; within `anju_core.alert_offers.UNDO_S` of acknowledging it only the elder is told."""
        decided = self._transitions.decide_command(work, alert_id, AlertCommand.UNACKNOWLEDGE, actor)
        now = work.clock.now()
        limit = undo_until(decided.facts)
        quiet = limit is not None and now <= limit
        self._transitions.unacknowledge(work, decided.alert, decided.move, now, actor=actor, quiet=quiet)

    def record_contact_attempt(
        self, work: UnitOfWork, alert_id: UUID, actor: Actor, *, who: str, outcome: CallOutcome, note: str = ""
    ) -> None:
        """Write down a call: to whom (`elder`, a contact's id or a name), and how it ended."""
        detail = {"who": who, "outcome": outcome.value, "note": note}
        self._carry_out(work, alert_id, AlertCommand.RECORD_CONTACT, actor, detail)

    def dispatch_carer(
        self, work: UnitOfWork, alert_id: UUID, actor: Actor, *, category: VisitCategory | None = None, note: str = ""
    ) -> None:
        """Request a provider's visit; without a category that of `VISIT_CATEGORY`.

        Raises `VisitAlreadyRequested` when somebody is being sent already.
        """
        decided = self._transitions.decide_command(work, alert_id, AlertCommand.DISPATCH, actor)
        alert, now = decided.alert, work.clock.now()
        chosen = category or VISIT_CATEGORY[decided.facts.kind]
        detail = {"category": chosen.value, "note": note}
        self._transitions.apply_move(work, alert, decided.move, now, actor=actor, detail=detail)
        work.record(
            VisitRequested(
                at=now,
                alert_id=alert.id,
                home_id=alert.home_id,
                category=chosen,
                by_account=actor.account_id,
                by_name=actor.name,
                note=note,
            )
        )

    def mark_en_route(self, work: UnitOfWork, alert_id: UUID, actor: Actor) -> None:
        """Write down that the actor goes there in person, and announce it in the home, with a code to ask for."""
        decided = self._transitions.decide_command(work, alert_id, AlertCommand.EN_ROUTE, actor)
        self._transitions.apply_move(
            work, decided.alert, decided.move, work.clock.now(), actor=actor, detail={"self": True}
        )
        if decided.move.step is not None:
            self._arrivals.issue_code(work, decided.alert, actor)

    def mark_arrived(self, work: UnitOfWork, alert_id: UUID, actor: Actor, *, code: str | None = None) -> None:
        """Write down that the actor is at the home; only the home's code or a second person proves it.

        Without a proof the alert waits for `Policy.unproven_s` alone, and the home says the code again, which may
        follow.
        Raises `WrongArrivalCode`, `NoMoreArrivalCodes`.
        """
        proofs: list[Proof | None] = []

        def is_proven(alert: Alert) -> bool:
            proofs.append(self._arrivals.check_proof(work, alert, actor, code))
            return proofs[0] is not None

        decided = self._transitions.decide_command(work, alert_id, AlertCommand.ARRIVE, actor, is_proven)
        proof = proofs[0]
        if proof is None:
            self._arrivals.say_code(work, decided.alert, actor)
        detail = {} if proof is None else {PROOF: proof.value}
        self._transitions.apply_move(work, decided.alert, decided.move, work.clock.now(), actor=actor, detail=detail)

    def add_note(self, work: UnitOfWork, alert_id: UUID, actor: Actor, text: str) -> None:
        """Add a note to the history, also after the end."""
        self._carry_out(work, alert_id, AlertCommand.NOTE, actor, {"note": text})

    def resolve_alert(
        self, work: UnitOfWork, alert_id: UUID, actor: Actor, *, outcome: Outcome, note: str = ""
    ) -> None:
        """Close the alert with what it turned out to be; records `AlertResolved`.

        Raises `ContactMissing` or `ClosingNoteMissing` where nothing on record supports the outcome.
        """
        decided = self._transitions.decide_command(work, alert_id, AlertCommand.RESOLVE, actor)
        alert, facts, now = decided.alert, decided.facts, work.clock.now()
        second = actor.account_id != facts.acknowledged_by
        check_closing(alert_id, facts.kind, facts.evidence, outcome, note, second_person=second)
        alert.outcome, alert.outcome_note, alert.closed_at = outcome.value, note, now
        detail = {"outcome": outcome.value, "note": note}
        self._transitions.apply_move(work, alert, decided.move, now, actor=actor, detail=detail)
        work.record(
            AlertResolved(
                at=now,
                alert_id=alert.id,
                home_id=alert.home_id,
                kind=decided.facts.kind,
                episode=alert.episode,
                outcome=outcome,
                by_name=actor.name,
            )
        )

    def _carry_out(
        self,
        work: UnitOfWork,
        alert_id: UUID,
        command: AlertCommand,
        actor: Actor,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        decided = self._transitions.decide_command(work, alert_id, command, actor)
        self._transitions.apply_move(work, decided.alert, decided.move, work.clock.now(), actor=actor, detail=detail)
