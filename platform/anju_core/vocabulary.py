"""The domain's words. Values are stored in the database and shown by the API: add, never rename."""

from __future__ import annotations

from enum import StrEnum


class AlertKind(StrEnum):
    """Why a person is needed."""

    SOS = "sos"
    FALL = "fall"
    SMOKE = "smoke"
    LEAK = "leak"
    INACTIVITY = "inactivity"
    AWAY_LONG = "away_long"
    HOME_OFFLINE = "home_offline"
    """The home cannot be seen: its gateway or its sensors went silent."""


class AlertState(StrEnum):
    """Where an alert is in its life; the order of the members is the order of a life."""

    RAISED = "raised"
    NOTIFIED = "notified"
    """At least one channel has delivered it to a person on duty."""
    ACKNOWLEDGED = "acknowledged"
    """A named person has taken it."""
    ON_THE_WAY = "on_the_way"
    """A person is going there: the worker herself or a provider's carer who accepted the visit."""
    ARRIVED = "arrived"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """What it turned out to be; entered by a worker, and what the detectors learn from."""

    REAL_HELPED = "real_helped"
    """A real emergency; help was given."""
    REAL_AMBULANCE = "real_ambulance"
    FALSE_ALARM = "false_alarm"
    AWAY = "away"
    """The person was out or staying with family."""
    TEST = "test"
    TECHNICAL = "technical"
    """A device or the network was at fault."""
    WITHDRAWN = "withdrawn"
    """The elder cancelled, or got up again and moved as before; nobody had yet been sent."""


class AlertStep(StrEnum):
    """Every kind of entry in an alert's history."""

    RAISED = "raised"
    REPEATED = "repeated"
    """It came again while open: pressed again, or confirmed by a second signal."""
    CONFIRMED = "confirmed"
    NOTIFIED = "notified"
    DELIVERY_FAILED = "delivery_failed"
    ESCALATED = "escalated"
    ELDER_TOLD = "elder_told"
    """The home's annunciator said something; `detail` says what."""
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    """Undo of taking it, or handed back to the others."""
    CONTACT_ATTEMPTED = "contact_attempted"
    """Somebody reached the elder (or failed to): the outcome of a call is in `detail`."""
    DISPATCHED = "dispatched"
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"
    VISITED = "visited"
    """The visit was checked out with a report."""
    VISIT_FAILED = "visit_failed"
    """Nobody will come after all (all declined, or it was called off): back to the worker."""
    WITHDRAWN = "withdrawn"
    NOTED = "noted"
    RESOLVED = "resolved"


class CallOutcome(StrEnum):
    """What became of a telephone call."""

    REACHED_OK = "reached_ok"
    REACHED_HELP = "reached_help"
    """Reached, and help is needed."""
    NO_ANSWER = "no_answer"


class VisitState(StrEnum):
    """Where a visit task is."""

    OPEN = "open"
    """Wants an offer to somebody."""
    OFFERED = "offered"
    ACCEPTED = "accepted"
    CHECKED_IN = "checked_in"
    CHECKED_OUT = "checked_out"
    CONFIRMED = "confirmed"
    UNFILLED = "unfilled"
    """Nobody left to ask: back to the worker, loudly."""
    CANCELLED = "cancelled"


class OfferState(StrEnum):
    """What became of one offer to one carer."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    TIMED_OUT = "timed_out"
    WITHDRAWN = "withdrawn"


class DeclineReason(StrEnum):
    """One reason is asked, never more."""

    BUSY = "busy"
    TOO_FAR = "too_far"
    OFF_DUTY = "off_duty"
    UNWELL = "unwell"
    OTHER = "other"


class VisitCategory(StrEnum):
    """What kind of service a visit is (the first of the six elements of visit verification)."""

    EMERGENCY = "emergency"
    WELFARE_CHECK = "welfare_check"
    ROUTINE = "routine"
    REPAIR = "repair"


class Role(StrEnum):
    """What an account may do; scope (community, provider, home) says where."""

    WORKER = "worker"
    SUPERVISOR = "supervisor"
    CARER = "carer"
    PROVIDER = "provider"
    """The dispatcher of a provider."""
    FAMILY = "family"
    DISTRICT = "district"
    TESTER = "tester"
    ADMIN = "admin"


class Channel(StrEnum):
    """How a person is told."""

    BOARD = "board"
    """The page that is open in front of them (server-sent events)."""
    APPRISE = "apprise"
    """WeCom, DingTalk, SMS, mail, webhook: an Apprise URL."""
    HOME = "home"
    """Down to the gateway's annunciator."""


class DeliveryState(StrEnum):
    """What became of one message in the outbox."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    """Tried as often as its policy says; escalates."""
    DROPPED = "dropped"
    """Not needed any more when its turn came: the alert was closed."""
