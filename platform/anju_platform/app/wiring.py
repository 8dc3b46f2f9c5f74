"""Which slice listens to which event. Slices know events, never each other; they meet here."""

from __future__ import annotations

import json
from collections.abc import Callable

from anju_core.events import (
    AbsenceChanged,
    AlertChanged,
    AlertResolved,
    ElderTold,
    HelpWanted,
    HomeSupervisionChanged,
    MessageSettled,
    MessagesRefused,
    OfferUnreached,
    SensitivityChanged,
    VisitChanged,
    VisitRequested,
)
from anju_platform.alerts.event_handlers import AlertEventHandlers
from anju_platform.db.unit_of_work import EventDispatcher
from anju_platform.notifications.assembly import NotificationSlice
from anju_platform.notifications.channels import PageHub
from anju_platform.visits.event_handlers import VisitEventHandlers
from anju_platform.web.topics import EVERY_COMMUNITY, account_topic, community_topic, home_topic, provider_topic


def wire(
    dispatcher: EventDispatcher,
    *,
    alerts: AlertEventHandlers,
    visits: VisitEventHandlers,
    notifications: NotificationSlice,
    hub: PageHub,
    teach: Callable[[AlertResolved | AbsenceChanged | SensitivityChanged], None] | None = None,
) -> None:
    """Connect the slices; `teach` lets monitoring learn from what people decide."""
    dispatcher.subscribe_within(VisitRequested, visits.on_visit_requested)
    dispatcher.subscribe_within(VisitChanged, alerts.on_visit_changed)
    dispatcher.subscribe_within(OfferUnreached, visits.on_offer_unreached)
    dispatcher.subscribe_within_together(MessageSettled, alerts.on_messages_settled)
    dispatcher.subscribe_within(MessagesRefused, alerts.on_messages_refused)
    dispatcher.subscribe_within(ElderTold, alerts.on_elder_told)
    dispatcher.subscribe_within(ElderTold, notifications.confirmations.on_elder_told)
    dispatcher.subscribe_within(HomeSupervisionChanged, alerts.on_home_supervision_changed)
    dispatcher.subscribe_within(HelpWanted, alerts.on_help_wanted)
    dispatcher.subscribe_within(AbsenceChanged, alerts.on_absence_changed)
    dispatcher.subscribe_within(AlertResolved, visits.on_alert_resolved)
    dispatcher.subscribe_within_together(AlertChanged, visits.on_alerts_changed)
    dispatcher.subscribe_after(AlertChanged, lambda event: _show_alert(hub, event))
    dispatcher.subscribe_after(VisitChanged, lambda event: _show_visit(hub, event))
    if teach is not None:
        dispatcher.subscribe_after(AlertResolved, teach)
        dispatcher.subscribe_after(AbsenceChanged, teach)
        dispatcher.subscribe_after(SensitivityChanged, teach)


def _show_alert(hub: PageHub, event: AlertChanged) -> None:
    data = {
        "alert_id": str(event.alert_id),
        "home_id": event.home_id,
        "kind": event.kind.value,
        "state": event.state.value,
        "step": event.step,
        "at": event.at.isoformat(),
    }
    text = json.dumps(data)
    for topic in (community_topic(event.community_id), EVERY_COMMUNITY, home_topic(event.home_id)):
        hub.publish(topic, "alert", text)


def _show_visit(hub: PageHub, event: VisitChanged) -> None:
    data = {
        "visit_id": str(event.visit_id),
        "alert_id": None if event.alert_id is None else str(event.alert_id),
        "home_id": event.home_id,
        "step": event.step,
        "at": event.at.isoformat(),
    }
    topics = [EVERY_COMMUNITY, home_topic(event.home_id)]
    topics += [community_topic(event.community_id)] if event.community_id else []
    topics += [provider_topic(one) for one in {event.provider_id, *event.asked_provider_ids} if one]
    topics += [account_topic(event.carer_id)] if event.carer_id else []
    for topic in topics:
        hub.publish(topic, "visit", json.dumps(data))
