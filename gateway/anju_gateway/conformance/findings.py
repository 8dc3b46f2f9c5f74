"""What the conformance kit found: a line for each thing that docs/protocol.md asks of a gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Check(StrEnum):
    """What is asked of a gateway; the text is the heading of the line."""

    STATUS = "says online, retained and readable"
    PRESS_COMES = "a press comes on the alarm lane"
    READABLE = "every message can be read"
    QOS = "alarms and readings at QoS 1"
    NOT_RETAINED = "nothing but the status is retained"
    ALONE = "one event a message on the alarm lane"
    TRUTH = "a press is `sos`, true"
    TIME = "event and sending times are Unix seconds, now"
    NUMBERS = "numbers count by one in each lane, base is the oldest held"
    HEARD = "the elder was told at once: `heard` for the press"
    SENT_AGAIN = "without an ack the same alarm comes again"
    WRONG_DIGEST = "an ack with another content's digest is not believed"
    OTHER_EPOCH = "an ack of another epoch is not believed"
    FORGETS = "what is acknowledged is not sent again"
    ALARM_ANYWAY = "an alarm is sent although the platform says offline"
    READINGS_WAIT = "readings wait while the platform says offline"
    READINGS_COME = "readings come once the platform is back"
    COMMAND_SETTLED = "a command is carried out, and said to be by `announced`"
    COMMAND_ONCE = "a command that comes twice is carried out once"
    COMMAND_STALE = "a command is not carried out after `expires`"
    COMMAND_UNKNOWN = "unknown keys and fields of a command do no harm"
    COMMAND_BROKEN = "what is no command does no harm"
    REFUSED = "a refused message is forgotten, and the lane moves on"
    NEW_EPOCH = "a spool that went back in time begins a greater epoch"
    LAST_WILL = "a gateway that dies is said to be offline"
    SURVIVES = "a press that was not acknowledged survives a power cut"


@dataclass
class Findings:
    """Each check with whether it held and what was seen; a check that could not be tried is not in it."""

    held: dict[Check, bool] = field(default_factory=dict)
    seen: dict[Check, str] = field(default_factory=dict)

    def note(self, check: Check, *, held: bool, seen: str = "") -> bool:
        """Note what was seen; a check that failed once stays failed. Returns `held`."""
        if self.held.get(check, True):
            self.held[check] = held
            if seen and not held:
                self.seen[check] = seen
        return held

    @property
    def conforms(self) -> bool:
        """Whether every check was tried and held."""
        return all(self.held.get(check, False) for check in Check)

    @property
    def failed(self) -> list[Check]:
        """The checks that did not hold."""
        return [check for check, held in self.held.items() if not held]

    @property
    def untried(self) -> list[Check]:
        """The checks that something before them made impossible."""
        return [check for check in Check if check not in self.held]
