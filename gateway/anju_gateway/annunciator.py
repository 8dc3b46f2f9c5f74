"""The speaker and light of a home: the port, and its console and MQTT implementations."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TextIO

from anju_gateway.announcements import LIGHTS
from anju_gateway.mqtt import Publication
from anju_wire.vocabulary import Announcement


@dataclass(frozen=True, slots=True)
class SpokenAnnouncement:
    """One sentence in both languages; `reference` is the alarm's seq, or the alert that a command is about.

    quiet: in a low voice.
    """

    announce: Announcement
    zh: str
    en: str
    reference: str
    quiet: bool = False

    @property
    def light(self) -> str:
        """What the button's light does."""
        return LIGHTS[self.announce]

    @property
    def slow(self) -> bool:
        """Whether it is spoken slowly: a code is to be passed on."""
        return self.announce is Announcement.VISIT_CODE

    @property
    def record_value(self) -> str:
        """The value of the `announced` record."""
        return f"{self.announce}:{self.reference}"


class PlayState(StrEnum):
    """How far the playing of an announcement is."""

    PLAYING = "playing"
    PLAYED = "played"
    FAILED = "failed"


Playback = Callable[[], PlayState]
"""Says how far the playing of one announcement is; `PLAYED` and `FAILED` are final."""


class Annunciator(Protocol):
    """Tells the elder something."""

    def play(self, announcement: SpokenAnnouncement, at_s: float) -> Playback:
        """Begin to play it now (`at_s`, Unix s). Must not block."""


class ConsoleAnnunciator:
    """Prints what would be spoken."""

    def __init__(self, out: TextIO, home: str) -> None:
        self._out, self._home = out, home

    def play(self, announcement: SpokenAnnouncement, at_s: float) -> Playback:  # noqa: ARG002 - the port's signature
        """Print one line, Chinese first."""
        words = f"{announcement.zh} / {announcement.en} (light: {announcement.light})"
        print(f"[{self._home}] {words}", file=self._out, flush=True)
        return lambda: PlayState.PLAYED


class MqttAnnunciator:
    """Publishes to a speaker on the home's local bus: `{home}/annunciator`."""

    def __init__(self, publish: Callable[[str, bytes], Publication | None], home: str) -> None:
        self._publish, self._topic = publish, f"{home}/annunciator"

    def play(self, announcement: SpokenAnnouncement, at_s: float) -> Playback:
        """Publish one JSON message; it is played once the bus has it."""
        message = {
            "at": round(at_s, 3),
            "announce": str(announcement.announce),
            "zh": announcement.zh,
            "en": announcement.en,
            "light": announcement.light,
            "reference": announcement.reference,
            "slow": announcement.slow,
            "quiet": announcement.quiet,
        }
        publication = self._publish(self._topic, json.dumps(message, ensure_ascii=False).encode())
        return lambda: _state_of(publication)


class CompositeAnnunciator:
    """Several annunciators as one."""

    def __init__(self, annunciators: Sequence[Annunciator]) -> None:
        self._annunciators = tuple(annunciators)

    def play(self, announcement: SpokenAnnouncement, at_s: float) -> Playback:
        """Play through all of them; it is played once one of them has played it."""
        playbacks = [annunciator.play(announcement, at_s) for annunciator in self._annunciators]
        return lambda: _best([playback() for playback in playbacks])


def _state_of(publication: Publication | None) -> PlayState:
    received = False if publication is None else publication.received
    return PlayState.PLAYING if received is None else PlayState.PLAYED if received else PlayState.FAILED


def _best(states: Sequence[PlayState]) -> PlayState:
    return next((state for state in (PlayState.PLAYED, PlayState.PLAYING) if state in states), PlayState.FAILED)
