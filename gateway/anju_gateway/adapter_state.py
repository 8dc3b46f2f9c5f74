"""What adapters keep between messages, committed in one transaction with the readings it decided about."""

from __future__ import annotations

from collections.abc import Mapping


class AdapterState:
    """Values by key over what is on disk already: `commit` makes changes lasting, `rollback` takes them back.

    Parameters
    ----------
    stored
        What the spool holds, as `Spool.load_state` returns it.

    """

    def __init__(self, stored: Mapping[str, str]) -> None:
        self._stored = dict(stored)
        self._changes: dict[str, str | None] = {}

    def get(self, key: str) -> str | None:
        """Return the latest value, committed or not; None where there is none."""
        return self._changes[key] if key in self._changes else self._stored.get(key)

    def put(self, key: str, value: str | None) -> None:
        """Set a value; None deletes it."""
        self._changes[key] = value

    @property
    def changes(self) -> Mapping[str, str | None]:
        """What is not committed yet."""
        return self._changes

    def commit(self) -> None:
        """Take the changes over: they are on disk."""
        for key, value in self._changes.items():
            if value is None:
                self._stored.pop(key, None)
            else:
                self._stored[key] = value
        self._changes.clear()

    def rollback(self) -> None:
        """Discard the changes: they could not be written."""
        self._changes.clear()
