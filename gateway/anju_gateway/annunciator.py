"""The voice and light of a home: the port, and its console and MQTT implementations."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Protocol, TextIO

from anju_gateway.saying import Saying


class Annunciator(Protocol):
    """Tells the elder something."""

    def tell(self, saying: Saying, at_s: float) -> bool:
        """Say it now; False when it could not be said. Must not block."""


class ConsoleAnnunciator:
    """Prints what would be spoken."""

    def __init__(self, out: TextIO, home: str) -> None:
        self._out, self._home = out, home

    def tell(self, saying: Saying, at_s: float) -> bool:  # noqa: ARG002 - the port's signature
        """One line, Chinese first."""
        print(f"[{self._home}] {saying.zh} / {saying.en} (light: {saying.light})", file=self._out, flush=True)
        return True


class MqttAnnunciator:
    """Publishes to a speaker on the home's local bus: `{home}/annunciator`."""

    def __init__(self, publish: Callable[[str, bytes], bool], home: str) -> None:
        self._publish, self._topic = publish, f"{home}/annunciator"

    def tell(self, saying: Saying, at_s: float) -> bool:
        """One JSON message; False while the bus is away."""
        message = {
            "at": round(at_s, 3),
            "announce": str(saying.announce),
            "zh": saying.zh,
            "en": saying.en,
            "light": saying.light,
            "reference": saying.reference,
        }
        return self._publish(self._topic, json.dumps(message, ensure_ascii=False).encode())


class Chorus:
    """Several annunciators as one: it was said when one of them said it."""

    def __init__(self, voices: Sequence[Annunciator]) -> None:
        self._voices = tuple(voices)

    def tell(self, saying: Saying, at_s: float) -> bool:
        """Through all of them."""
        said = [voice.tell(saying, at_s) for voice in self._voices]
        return any(said)
