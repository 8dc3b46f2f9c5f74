"""What every domain error is: a noun with typed facts, of a family that the edge maps to a status."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID


class DomainError(Exception):
    """Something that the domain refuses. Its attributes are its facts; the message is built from them."""

    def facts(self) -> dict[str, object]:
        """The facts as plain values (text, numbers, truth, lists of text), for problem details."""
        return {name: _plain(value) for name, value in vars(self).items()}


class NotFound(DomainError):
    """There is no such thing, or it is out of the asker's scope (which is not said)."""


class Conflict(DomainError):
    """The thing is in a state in which this cannot be done, often because somebody else was first."""


class Refused(DomainError):
    """The person may not do it."""


class Unauthenticated(DomainError):
    """Nobody is signed in, or who signs in is not who they say."""


class TooMany(DomainError):
    """Something was tried too often; it may be tried again later."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Invalid(DomainError):
    """What was given cannot be used."""


def _plain(value: object) -> object:
    if isinstance(value, StrEnum | UUID):
        return str(value)
    if isinstance(value, tuple | list | set | frozenset):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
