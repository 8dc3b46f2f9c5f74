"""What adapters remember between messages, committed together with what they said."""

from __future__ import annotations

from collections.abc import Mapping


class Memory:
    """Facts by key over a committed base: `keep` makes changes lasting, `forget` takes them back."""

    def __init__(self, kept: Mapping[str, str]) -> None:
        self._kept = dict(kept)
        self._changes: dict[str, str | None] = {}

    def get(self, key: str) -> str | None:
        """The latest value."""
        return self._changes[key] if key in self._changes else self._kept.get(key)

    def put(self, key: str, value: str | None) -> None:
        """Set a value, or forget it with None."""
        self._changes[key] = value

    @property
    def changes(self) -> Mapping[str, str | None]:
        """What is not yet kept."""
        return self._changes

    def keep(self) -> None:
        """The changes are on disk."""
        for key, value in self._changes.items():
            if value is None:
                self._kept.pop(key, None)
            else:
                self._kept[key] = value
        self._changes.clear()

    def forget(self) -> None:
        """The changes could not be written."""
        self._changes.clear()
