"""The visit that belongs to an alert, as the board shows it."""

from __future__ import annotations

from collections.abc import Mapping

from anju_core.dispatch import is_dangerous
from anju_core.vocabulary import OfferState, VisitState
from anju_platform.console.board.view_models import OfferLine, TaskLine, VisitPanel
from anju_platform.i18n.display_names import LABELS, DisplayStatus, display_name
from anju_platform.i18n.translation import Words
from anju_platform.visits.queries import VisitDetail

_STATUSES: Mapping[VisitState, DisplayStatus] = {
    VisitState.UNFILLED: DisplayStatus.NOW,
    VisitState.CONFIRMED: DisplayStatus.FINE,
    VisitState.CANCELLED: DisplayStatus.FINE,
}


def visit_status(state: VisitState) -> DisplayStatus:
    """Return in which of the four states of things a visit is shown."""
    return _STATUSES.get(state, DisplayStatus.WAY)


def visit_panel(visit: VisitDetail, words: Words) -> VisitPanel:
    """Return a visit in the reader's words: who goes, who was asked, the checklist and the report."""
    pending = [offer for offer in visit.offers if offer.state is OfferState.PENDING]
    distance = visit.check_in_proof.get("distance_m")
    return VisitPanel(
        id=visit.id,
        status=visit_status(visit.state),
        state=visit.state,
        carer_name=visit.carer_name,
        provider_name=visit.provider_name,
        offers=[
            OfferLine(
                offer.answered_at or offer.offered_at,
                offer.carer_name,
                offer.state,
                offer.reason,
                unreached=offer.unreached and offer.state is OfferState.PENDING,
            )
            for offer in visit.offers
        ],
        asked_at=min((offer.offered_at for offer in pending), default=None),
        answer_by=min((offer.expires_at for offer in pending), default=None),
        checked_in_at=visit.checked_in_at,
        checked_out_at=visit.checked_out_at,
        proved=visit.check_in_proof.get("code") is True,
        distance_m=float(distance) if isinstance(distance, int | float) else None,
        tasks=[
            TaskLine(display_name(words, "checklist", task.id), task.done, is_dangerous(task.id, task.done))
            for task in visit.tasks
        ],
        report=_report(visit.report, words),
    )


def _report(report: Mapping[str, object], words: Words) -> str:
    """Return the report in words: how the elder is, the summary, and whether the elder confirmed it."""
    condition = LABELS["condition"].get(str(report.get("condition", "")))
    elder = LABELS["elder"].get(str(report.get("elder", "")))
    parts = [words(condition) if condition else "", str(report.get("summary", "")), words(elder) if elder else ""]
    return " · ".join(part for part in parts if part)
