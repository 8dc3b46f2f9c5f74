"""How the gateway under test is made to do something: by its owner's hand, or by the owner's own command."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

ACT_S = 60.0


class Act(StrEnum):
    """What is done to the gateway under test."""

    PRESS = "press"
    MOVE = "move"
    STOP = "stop"
    START = "start"


WORDS = {
    Act.PRESS: "press the emergency button once",
    Act.MOVE: "let a sensor report (walk past a motion sensor, or open a door)",
    Act.STOP: "cut the gateway's power",
    Act.START: "give the gateway its power back",
}


class Operator(Protocol):
    """Does what is asked to the gateway under test."""

    def do(self, act: Act) -> None:
        """Do it, and return once it is done. Raises `OSError` and `subprocess.SubprocessError` where it cannot be."""


class HandOperator:
    """Asks a person."""

    def __init__(self, ask: Callable[[str], object]) -> None:
        self._ask = ask

    def do(self, act: Act) -> None:
        """Ask, and wait for Enter."""
        self._ask(f"Please {WORDS[act]}, then press Enter")


class CommandOperator:
    """Runs the owner's own command, with the act as its last word."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)

    def do(self, act: Act) -> None:
        """Run the command to its end."""
        subprocess.run([*self._command, str(act)], check=True, timeout=ACT_S)  # noqa: S603 - the owner's own command
