"""Composes the objects of the visits slice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from anju_platform.alerts.queries import AlertQueries
from anju_platform.i18n.translation import Words
from anju_platform.notifications.service import OutboxService
from anju_platform.oncall.service import OncallService
from anju_platform.visits.announcements import VisitAnnouncements
from anju_platform.visits.assignments import VisitAssignments
from anju_platform.visits.closing import VisitClosing
from anju_platform.visits.deadlines import VisitDeadlines
from anju_platform.visits.dispatching import DispatcherQueries
from anju_platform.visits.event_handlers import VisitEventHandlers
from anju_platform.visits.execution import VisitExecution
from anju_platform.visits.notices import CarerNotices
from anju_platform.visits.offers import OfferDispatcher
from anju_platform.visits.queries import VisitQueries
from anju_platform.visits.service import VisitService


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitSlice:
    """One object for each side from which visits are approached.

    service: answers of carers and decisions of workers. assignments: decisions of dispatchers. execution: steps at the
    home. queries: what pages and the API read. dispatching: what dispatchers read. notices: what carers are told
    of visits that are theirs no longer. deadlines: what is due by itself. event_handlers: what other slices say.
    """

    service: VisitService
    assignments: VisitAssignments
    execution: VisitExecution
    queries: VisitQueries
    dispatching: DispatcherQueries
    notices: CarerNotices
    deadlines: VisitDeadlines
    event_handlers: VisitEventHandlers

    @classmethod
    def build(
        cls,
        outbox: OutboxService,
        oncall: OncallService,
        words: Mapping[str, Words],
        alerts: AlertQueries,
        new_code: Callable[[], str],
    ) -> Self:
        """Compose the slice.

        words: the translations by locale. new_code: makes a one-time code of digits for the home's door.
        """
        queries = VisitQueries(alerts)
        offers, announcements = OfferDispatcher(outbox, oncall, words), VisitAnnouncements(outbox)
        closing = VisitClosing(offers, announcements)
        return cls(
            service=VisitService(offers, closing, announcements),
            assignments=VisitAssignments(offers, announcements),
            execution=VisitExecution(announcements),
            queries=queries,
            dispatching=DispatcherQueries(queries, alerts),
            notices=CarerNotices(),
            deadlines=VisitDeadlines(offers),
            event_handlers=VisitEventHandlers(offers, closing, announcements, new_code),
        )
