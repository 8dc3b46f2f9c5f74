"""The speaker and light of a home: the port, and its console and MQTT implementations."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

from anju_gateway.announcements import LIGHTS
from anju_wire.vocabulary import Announcement


@dataclass(frozen=True, slots=True)
class SpokenAnnouncement:
    """One sentence in both languages; `reference` is the alarm's seq, or the alert that a command is about."""

    announce: Announcement
    zh: str
    en: str
    reference: str

    @property
    def light(self) -> str:
        """What the button's light does."""
        return LIGHTS[self.announce]

    @property
    def record_value(self) -> str:
        """The value of the `announced` record."""
        return f"{self.announce}:{self.reference}"


class Annunciator(Protocol):
    """Tells the elder something."""

    def play(self, announcement: SpokenAnnouncement, at_s: float) -> bool:
        """Play it now (`at_s`, Unix s); return False when it could not be played. Must not block."""


class ConsoleAnnunciator:
    """Prints what would be spoken."""

    def __init__(self, out: TextIO, home: str) -> None:
        self._out, self._home = out, home

    def play(self, announcement: SpokenAnnouncement, at_s: float) -> bool:  # noqa: ARG002 - the port's signature
        """Print one line, Chinese first."""
        words = f"{announcement.zh} / {announcement.en} (light: {announcement.light})"
        print(f"[{self._home}] {words}", file=self._out, flush=True)
        return True


class MqttAnnunciator:
    """Publishes to a speaker on the home's local bus: `{home}/annunciator`."""

    def __init__(self, publish: Callable[[str, bytes], bool], home: str) -> None:
        self._publish, self._topic = publish, f"{home}/annunciator"

    def play(self, announcement: SpokenAnnouncement, at_s: float) -> bool:
        """Publish one JSON message; return False while the bus is away."""
        message = {
            "at": round(at_s, 3),
            "announce": str(announcement.announce),
            "zh": announcement.zh,
            "en": announcement.en,
            "light": announcement.light,
            "reference": announcement.reference,
        }
        return self._publish(self._topic, json.dumps(message, ensure_ascii=False).encode())


class CompositeAnnunciator:
    """Several annunciators as one."""

    def __init__(self, annunciators: Sequence[Annunciator]) -> None:
        self._annunciators = tuple(annunciators)

    def play(self, announcement: SpokenAnnouncement, at_s: float) -> bool:
        """Play through all of them; return whether one of them played it."""
        played = [annunciator.play(announcement, at_s) for annunciator in self._annunciators]
        return any(played)
