"""Decides what a family is told: how the elder is, from the events of the day and what became of them.

The answer is made of phrases with facts; their words are in `anju_platform.i18n.family_sentences`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from anju_core.elder_situation import ElderSituation
from anju_core.vocabulary import AlertKind, AlertState, Outcome

FRESHEST_S = 24 * 3600
"""Age of the last sign of life, s, from which the state is never "fine"; chosen by us."""
DAY = timedelta(hours=24)
"""So long after its end an event is still told. Ours: who reads at breakfast must know of the night."""
FINDING_LENGTH = 60
"""Characters of what was found that one sentence carries. Ours."""


class FamilyState(StrEnum):
    """The state of the elder, in the order in which it must be told."""

    PRIVATE = "private"
    """The elder has not agreed to share it."""
    CHECKING = "checking"
    """An alert is open, or the inactivity is too long."""
    AMBULANCE = "ambulance"
    """An ambulance was called within the last day."""
    HOME_OFFLINE = "home_offline"
    """No data is received from the home, or never was."""
    AWAY = "away"
    """An absence was told."""
    SAFE = "safe"
    """Nothing is open now, but something happened within the last day."""
    FINE = "fine"


class FamilyPhrase(StrEnum):
    """One phrase; `name` is how the relative calls the elder, `helper` who sees to it, `at` a time."""

    NOBODY = "nobody"
    """The community has it, and nobody has taken it: what the family can do, by the fact `kind`."""
    TAKEN = "taken"
    SOUGHT = "sought"
    IN_VAIN = "in_vain"
    COMING = "coming"
    LATE = "late"
    THERE = "there"
    HAPPENED = "happened"
    """What happened: facts `kind`, `at`."""
    VISITED = "visited"
    CALLED = "called"
    HANDLED = "handled"
    FOUND = "found"
    """What was found, in the words of who was there: fact `text`."""
    ENDED = "ended"
    """What it turned out to be: fact `outcome`."""
    ASK_HOSPITAL = "ask_hospital"
    SILENT = "silent"
    NEVER_SEEN = "never_seen"
    UNSEEN = "unseen"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase and its facts."""

    key: FamilyPhrase
    facts: Mapping[str, str | datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeEvent:
    """An alert about the person, as a family may know of it.

    situation: who has promised what. visitor: who was at the home because of it. caller: who reached the elder by
    telephone. handled_by: who closed it. finding: what the visitor or the closing note says.
    """

    at: datetime
    situation: ElderSituation
    closed_at: datetime | None = None
    visitor: str = ""
    caller: str = ""
    handled_by: str = ""
    finding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The stored facts about a home.

    events: what happened to the person, oldest first: open, or closed within `DAY`. deadline_at: when the silence
    becomes worth a call. absent_until: an absence that runs.
    """

    shared: bool
    events: Sequence[HomeEvent] = ()
    offline_since: datetime | None = None
    last_life_at: datetime | None = None
    deadline_at: datetime | None = None
    absent_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FamilyStatement:
    """The state, and below it one line for each thing to add, each of one or several phrases."""

    state: FamilyState
    lines: tuple[tuple[Phrase, ...], ...] = ()


def state_of(known: Known, now: datetime) -> FamilyState:
    """Return the state that holds. A home is "fine" only with a sign of life of the last 24 hours."""
    if not known.shared:
        return FamilyState.PRIVATE
    if any(event.closed_at is None for event in known.events):
        return FamilyState.CHECKING
    told = list_told(known.events)
    if any(event.situation.outcome is Outcome.REAL_AMBULANCE for event in told):
        return FamilyState.AMBULANCE
    return _state_of_home(known, now) or (FamilyState.SAFE if told else FamilyState.FINE)


def _state_of_home(known: Known, now: datetime) -> FamilyState | None:
    """Return why a home in which nothing is open is still not known to be fine; None: it is."""
    unseen = known.offline_since is not None
    if not unseen and known.absent_until is not None and known.absent_until > now:
        return FamilyState.AWAY
    if unseen or known.last_life_at is None:
        return FamilyState.HOME_OFFLINE
    silent = known.deadline_at is not None and known.deadline_at <= now
    old = (now - known.last_life_at).total_seconds() > FRESHEST_S
    return FamilyState.CHECKING if silent or old else None


def state_family(known: Known, now: datetime) -> FamilyStatement:
    """Return what a family is told of what is known."""
    state = state_of(known, now)
    if state is FamilyState.PRIVATE:
        return FamilyStatement(state, ((Phrase(FamilyPhrase.ASK),),))
    lines = [_describe_open(known.events), *(describe_past(event) for event in list_told(known.events))]
    if state is FamilyState.AMBULANCE:
        lines.append((Phrase(FamilyPhrase.ASK_HOSPITAL),))
    if state is FamilyState.HOME_OFFLINE:
        why = FamilyPhrase.NEVER_SEEN if known.offline_since is None else FamilyPhrase.UNSEEN
        lines.append((Phrase(why),))
    if state is FamilyState.CHECKING and not lines[0]:
        lines.append((Phrase(FamilyPhrase.SILENT),))
    return FamilyStatement(state, tuple(line for line in lines if line))


def list_told(events: Sequence[HomeEvent]) -> list[HomeEvent]:
    """Return the closed events that a family is told of: not a test, nor a suspicion that dissolved by itself."""
    return [event for event in events if event.closed_at is not None and not _is_nothing(event.situation)]


def describe_event(event: HomeEvent) -> Phrase:
    """Return what happened, and when."""
    return Phrase(FamilyPhrase.HAPPENED, {"kind": event.situation.kind.value, "at": event.at})


def describe_help(event: HomeEvent) -> Phrase:
    """Return how far help is for an open alert."""
    now = event.situation
    owner, comes, kind = now.acknowledged_by, now.coming, now.kind.value
    if now.state is AlertState.ARRIVED:
        return Phrase(FamilyPhrase.THERE, {"helper": comes or owner})
    if now.state is AlertState.EN_ROUTE:
        helper = {"helper": comes or owner}
        return Phrase(FamilyPhrase.LATE, helper | {"kind": kind}) if now.late else Phrase(FamilyPhrase.COMING, helper)
    if now.state is not AlertState.ACKNOWLEDGED or not owner:
        return Phrase(FamilyPhrase.NOBODY, {"kind": kind})
    if now.nobody_can_come:
        return Phrase(FamilyPhrase.IN_VAIN, {"helper": owner, "kind": kind})
    return Phrase(FamilyPhrase.SOUGHT if now.seeking else FamilyPhrase.TAKEN, {"helper": owner})


def describe_past(event: HomeEvent) -> tuple[Phrase, ...]:
    """Return what happened, who was there or called, and what was found."""
    outcome = event.situation.outcome or Outcome.REAL_HELPED
    phrases = [describe_event(event)]
    if event.visitor:
        phrases.append(Phrase(FamilyPhrase.VISITED, {"helper": event.visitor}))
    elif event.caller:
        phrases.append(Phrase(FamilyPhrase.CALLED, {"helper": event.caller}))
    elif event.handled_by:
        phrases.append(Phrase(FamilyPhrase.HANDLED, {"helper": event.handled_by}))
    if event.finding:
        phrases.append(Phrase(FamilyPhrase.FOUND, {"text": _shorten(event.finding)}))
    if outcome is not Outcome.REAL_HELPED or not event.finding:
        phrases.append(Phrase(FamilyPhrase.ENDED, {"outcome": outcome.value}))
    return tuple(phrases)


def _describe_open(events: Sequence[HomeEvent]) -> tuple[Phrase, ...]:
    """Of several alerts that are open, the one for which help has come farthest."""
    still = [event for event in events if event.closed_at is None]
    if not still:
        return ()
    farthest = max(still, key=lambda event: [*AlertState].index(event.situation.state))
    return describe_event(farthest), describe_help(farthest)


def _is_nothing(found: ElderSituation) -> bool:
    dissolved = found.outcome is Outcome.WITHDRAWN and found.kind is not AlertKind.SOS
    return dissolved or found.outcome in {Outcome.TEST, Outcome.TECHNICAL}


def _shorten(text: str) -> str:
    plain = " ".join(text.split()).rstrip("。.")
    return plain if len(plain) <= FINDING_LENGTH else plain[: FINDING_LENGTH - 1] + "…"
