"""Words of the messages about an alert."""

from __future__ import annotations

from datetime import datetime

from anju_core.family_sentence import describe_event, describe_help
from anju_core.reasons import Reason
from anju_platform.alerts.models import Alert
from anju_platform.alerts.summaries import event_of
from anju_platform.i18n import addresses
from anju_platform.i18n.display_names import display_name
from anju_platform.i18n.family_sentences import FamilyReader
from anju_platform.i18n.reasons import Reader, as_reason, describe_reason
from anju_platform.i18n.translation import Words
from anju_platform.residents.records import HomeAddress


def message_subject(alert: Alert, home: HomeAddress, words: Words) -> str:
    """Return the first line of a message: kind of alert, residents, address."""
    where = addresses.address(words, home.estate, home.building, home.unit, home.room)
    kind = display_name(words, "kind", alert.kind)
    return words("【%(kind)s】%(who)s · %(where)s", kind=kind, who=home.resident_names, where=where)


def family_subject(alert: Alert, home: HomeAddress, words: Words, now: datetime) -> str:
    """Return the first line of a message to the family: who, and what happened when."""
    reader = FamilyReader(words, home.resident_names, now, home.timezone)
    return words("【%(who)s】%(what)s", who=home.resident_names, what=reader.phrase(describe_event(event_of(alert))))


def family_body(alert: Alert, home: HomeAddress, words: Words, now: datetime) -> str:
    """Return how far help is, and what the family can do while nobody has taken the alert."""
    reader = FamilyReader(words, home.resident_names, now, home.timezone)
    return reader.phrase(describe_help(event_of(alert)))


def message_body(alert: Alert, home: HomeAddress, words: Words, now: datetime, reason: Reason | None = None) -> str:
    """Return the sentence that says why the alert was raised (or `reason`), with times of the home's time zone."""
    said = reason or as_reason(alert.reason_code, alert.reason_facts)
    return describe_reason(said, Reader(words, now, home.timezone))
