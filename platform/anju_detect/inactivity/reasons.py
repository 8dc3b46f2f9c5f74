"""Why a silence is worth a call."""

from __future__ import annotations

from dataclasses import dataclass

from anju_detect.reasons import Reason, known

SILENCE = "silence"
NO_LIFE_YET = "no_life_yet"


@dataclass(frozen=True, slots=True)
class SilenceFacts:
    """The figures that the reason for a silence rests on; times in Unix seconds, lengths in seconds.

    Attributes
    ----------
    room
        Where the last sign of life was, one of `ROOMS`.
    last_life_s, silent_s
        When it was, and how long ago.
    usual_s
        Length that 95 % of this home's silences beginning like this one do not exceed.
    at_exit
        Whether the last sign of life was the outer door: the person is out, or silent behind it.
    last_exit_s
        When the outer door last moved; nan where it never did.
    limit_s
        The hard rule that set the deadline; nan where the home's own habits did.
    due_back_s
        Until when the person was to be away; nan where nobody said so.

    """

    room: str
    last_life_s: float
    silent_s: float
    usual_s: float
    at_exit: bool
    last_exit_s: float
    limit_s: float
    due_back_s: float


def silence(facts: SilenceFacts) -> Reason:
    """Return the reason of a silence."""
    return Reason(
        SILENCE,
        {
            "room": facts.room,
            "last_life_s": facts.last_life_s,
            "silent_s": facts.silent_s,
            "usual_s": facts.usual_s,
            "at_exit": facts.at_exit,
            "last_exit_s": known(facts.last_exit_s),
            "limit_s": known(facts.limit_s),
            "due_back_s": known(facts.due_back_s),
        },
    )


def no_life_yet() -> Reason:
    """Return what is said of a home from which no sign of life ever came."""
    return Reason(NO_LIFE_YET)
