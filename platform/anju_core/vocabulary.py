"""The domain's vocabulary. The values stand in the database and in the API: a change needs a migration."""

from __future__ import annotations

from enum import StrEnum


class AlertKind(StrEnum):
    """Kind of alert: why a person is needed."""

    SOS = "sos"
    FALL = "fall"
    SMOKE = "smoke"
    LEAK = "leak"
    GAS = "gas"
    CARBON_MONOXIDE = "carbon_monoxide"
    DEVICE_ALARM = "device_alarm"
    """A device gives an alarm that no other kind stands for: a person must look what it is."""
    INACTIVITY = "inactivity"
    AWAY_LONG = "away_long"
    HOME_OFFLINE = "home_offline"
    """No data is received from the home: its gateway or its sensors went silent."""
    GATEWAY_FLOODING = "gateway_flooding"
    """The home's gateway sends far more than a home has to say; it is slowed down."""


INACTIVITY_KINDS = frozenset({AlertKind.INACTIVITY, AlertKind.AWAY_LONG})
"""Kinds of alert that the inactivity detector raises."""
TECHNICAL_KINDS = frozenset({AlertKind.HOME_OFFLINE, AlertKind.GATEWAY_FLOODING})
"""Kinds of alert that are about a device, not about a person."""


class AlertState(StrEnum):
    """State of an alert; the members stand in their usual order."""

    RAISED = "raised"
    NOTIFIED = "notified"
    """At least one message about it was delivered to a person on call."""
    ACKNOWLEDGED = "acknowledged"
    """A named person sees to it."""
    EN_ROUTE = "en_route"
    """A person is going there: the worker herself or a provider's carer who accepted the visit."""
    ARRIVED = "arrived"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """What an alert turned out to be; entered by a worker, and learnt from by the detectors."""

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
    """The same cause was signalled again while the alert was open."""
    CONFIRMED = "confirmed"
    NOTIFIED = "notified"
    DELIVERY_FAILED = "delivery_failed"
    ESCALATED = "escalated"
    ELDER_TOLD = "elder_told"
    """The home's annunciator said something; `detail` says what."""
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    """The acknowledgement was undone, or the alert was handed back to the others."""
    CONTACT_ATTEMPTED = "contact_attempted"
    """Somebody was called; `detail` says who, and the outcome of the call."""
    DISPATCHED = "dispatched"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    VISITED = "visited"
    """The visit was checked out with a report."""
    VISIT_FAILED = "visit_failed"
    """Nobody will come after all, because all declined or the visit was called off."""
    WITHDRAWN = "withdrawn"
    NOTED = "noted"
    RESOLVED = "resolved"


class EscalationReason(StrEnum):
    """Why an alert was escalated; `detail` of an `escalated` step says it."""

    RAISED = "raised"
    """It began, and an audience of its first step meant nobody."""
    NOT_WITHDRAWN = "not_withdrawn"
    """A suspicion that nobody has withdrawn."""
    CONFIRMED = "confirmed"
    NOBODY_TOOK_IT = "nobody_took_it"
    NOBODY_ARRIVED = "nobody_arrived"
    NO_OUTCOME = "no_outcome"
    DELIVERY_FAILED = "delivery_failed"
    UNACKNOWLEDGED = "unacknowledged"
    """Who had acknowledged it handed it back."""
    VISIT_LATE = "visit_late"
    HELP_WANTED = "help_wanted"
    """A carer at the home asks for help."""
    VISIT_FAILED = "visit_failed"


class CallOutcome(StrEnum):
    """Outcome of a telephone call."""

    REACHED_OK = "reached_ok"
    REACHED_HELP = "reached_help"
    """Somebody answered, and help is needed."""
    NO_ANSWER = "no_answer"


class VisitState(StrEnum):
    """State of a visit."""

    OPEN = "open"
    """To be offered to a carer."""
    OFFERED = "offered"
    ACCEPTED = "accepted"
    CHECKED_IN = "checked_in"
    CHECKED_OUT = "checked_out"
    CONFIRMED = "confirmed"
    UNFILLED = "unfilled"
    """No carer is left to ask; everybody concerned with the alert is notified."""
    CANCELLED = "cancelled"


class OfferState(StrEnum):
    """State of one offer to one carer."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    TIMED_OUT = "timed_out"
    WITHDRAWN = "withdrawn"


class DeclineReason(StrEnum):
    """Why a carer declines; exactly one reason is asked for."""

    BUSY = "busy"
    TOO_FAR = "too_far"
    OFF_DUTY = "off_duty"
    UNWELL = "unwell"
    OTHER = "other"


class VisitCategory(StrEnum):
    """Kind of service of a visit: the first of the six elements of electronic visit verification (EVV)."""

    EMERGENCY = "emergency"
    WELFARE_CHECK = "welfare_check"
    ROUTINE = "routine"
    REPAIR = "repair"


class Role(StrEnum):
    """What an account may do; its scope (community, provider, home) says where."""

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
    """Channel of a message."""

    BOARD = "board"
    """The page that is open in front of them (server-sent events)."""
    APPRISE = "apprise"
    """WeCom, DingTalk, SMS, mail, webhook: an Apprise URL."""
    HOME = "home"
    """The annunciator in the home, through its gateway."""


class DeliveryState(StrEnum):
    """State of a message in the outbox."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    """Tried as often as its policy says; escalates."""
    DROPPED = "dropped"
    """Not needed any more when its turn came: the alert was closed."""
