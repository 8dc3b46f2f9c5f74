"""Assignment of a visit by a provider's dispatcher: which carer she may choose, and whom she may take it from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from anju_core.dispatch import Candidate, Unfit, find_obstacle
from anju_core.errors import Conflict, NotFound
from anju_core.visits import VisitAlreadyAccepted, VisitCommand, decide
from anju_core.vocabulary import VisitCategory, VisitState


class AssignmentReason(StrEnum):
    """Why a dispatcher chooses a carer herself; the carer whom it is taken from is told."""

    NEARER = "nearer"
    LATE = "late"
    """Whoever was to go would come too late."""
    UNREACHED = "no_contact"
    """Whoever was to go cannot be reached."""
    KNOWN = "knows_elder"
    """The chosen carer knows the elder."""
    OTHER = "other"


class WithdrawalReason(StrEnum):
    """Why a carer who was asked, or had accepted, need not go."""

    ANOTHER_GOES = "another_goes"
    CALLED_OFF = "called_off"
    WORKER_GOES = "worker_goes"
    ALERT_CLOSED = "alert_closed"
    GIVEN_FIRST = "given_first"
    """The dispatcher asks another carer first; this one may be asked again."""
    REASSIGNED = "reassigned"
    """The dispatcher took an accepted visit from her; she is not asked again."""


class CarerNotFound(NotFound):
    """The dispatcher's provider has no such carer."""

    def __init__(self, carer_id: UUID) -> None:
        super().__init__(f"there is no carer {carer_id}")
        self.carer_id = carer_id


class CarerUnavailable(Conflict):
    """The carer cannot be asked to make this visit; `why` is the reason."""

    def __init__(self, carer: str, why: Unfit) -> None:
        super().__init__(f"{carer} cannot be asked: {why.value}")
        self.carer = carer
        self.why = why


class VisitChangedHands(Conflict):
    """Whoever the dispatcher takes the visit from does not have it any more; `by` has it, or nobody where empty."""

    def __init__(self, visit_id: UUID, by: str) -> None:
        super().__init__(f"visit {visit_id} has changed hands; it is {by or 'nobody'}'s now")
        self.visit_id = visit_id
        self.by = by


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignableVisit:
    """The part of a visit that an assignment rests on; `carer_id` and `carer_name` say who has accepted it."""

    visit_id: UUID
    state: VisitState
    category: VisitCategory
    carer_id: UUID | None = None
    carer_name: str = ""


def decide_assignment(visit: AssignableVisit, chosen: UUID, taken_from: UUID | None) -> VisitState:
    """Return the state in which a visit can be offered to the carer whom the dispatcher has chosen.

    taken_from: the carer from whom she takes it, as she knows it; None: a visit that nobody has accepted.
    Raises `VisitStepNotPossible` where somebody is there already or it is over, `VisitAlreadyAccepted` where a carer
    has accepted it meanwhile or the chosen one has it, and `VisitChangedHands` where it is not `taken_from`'s any more.
    """
    after = decide(visit.visit_id, visit.state, VisitCommand.ASSIGN)
    if taken_from == visit.carer_id != chosen:
        return after
    if taken_from is None or chosen == visit.carer_id:
        raise VisitAlreadyAccepted(visit.visit_id, visit.carer_name)
    raise VisitChangedHands(visit.visit_id, visit.carer_name)


def choose_contract(carer: str, candidates: Iterable[Candidate], category: VisitCategory, today: date) -> Candidate:
    """Return the chosen carer under the cheapest contract under which she can be asked, whatever she answered before.

    candidates: her alone, once for each contract with the community; carer: her name; today: the community's local
    date. Raises `CarerUnavailable` with the obstacle that comes closest to her being asked.
    """
    found = sorted(candidates, key=lambda one: one.fee_fen)
    obstacles = {one: find_obstacle(one, category, today, frozenset()) for one in found}
    fit = next((one for one, obstacle in obstacles.items() if obstacle is None), None)
    if fit is not None:
        return fit
    order = list(Unfit)
    closest = max((order.index(one) for one in obstacles.values() if one is not None), default=0)
    raise CarerUnavailable(carer, order[closest])
