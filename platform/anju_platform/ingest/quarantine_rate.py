"""How many rejected messages of each home are kept in quarantine: each costs more than a hundred good ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

BURST = 20
"""Rejected messages of a home that are kept as they come: enough to see what is wrong with a gateway."""
PER_S = 0.05
"""Then so many each second: three a minute."""
_MOST_HOMES = 4096


@dataclass(slots=True)
class _Share:
    """What is left of a home's burst, counted at a time, s."""

    tokens: float
    counted_s: float


class QuarantineRate:
    """Lets of each home `BURST` messages through, then `PER_S`; the others are counted. Times are monotonic, s.

    Used by one thread, but for `drain_flooding`.
    """

    def __init__(self) -> None:
        self._shares: dict[str, _Share] = {}
        self._dropped: Counter[str] = Counter()
        self._flooding: dict[str, None] = {}

    def choose_kept(self, homes: Sequence[str], now_s: float) -> Sequence[bool]:
        """Count a rejected message of each of these homes; return which of the messages are to be kept."""
        return [self._may_keep(home, now_s) for home in homes]

    def take_back(self, homes: Sequence[str], kept: Sequence[bool]) -> None:
        """Undo `choose_kept`: the messages could not be stored and come again."""
        for home, was_kept in zip(homes, kept, strict=True):
            share = self._shares.get(home)
            if was_kept and share is not None:
                share.tokens += 1.0
            elif not was_kept:
                self._dropped[home] -= 1

    def _may_keep(self, home: str, now_s: float) -> bool:
        share = self._shares.get(home) or self._new_share(home, now_s)
        share.tokens = min(BURST, share.tokens + max(0.0, now_s - share.counted_s) * PER_S)
        share.counted_s = now_s
        if share.tokens < 1.0:
            self._dropped[home] += 1
            self._flooding[home] = None
            return False
        share.tokens -= 1.0
        return True

    def drain_dropped(self) -> Mapping[str, int]:
        """Return how many messages of each home were not kept since the last call."""
        found, self._dropped = self._dropped, Counter()
        return +found

    def add_dropped(self, dropped: Mapping[str, int]) -> None:
        """Count again what `drain_dropped` returned, since it could not be stored."""
        self._dropped.update(dropped)

    def note_flooding(self, homes: Iterable[str]) -> None:
        """Have these homes be among the next that `drain_flooding` returns."""
        self._flooding |= dict.fromkeys(homes)

    def drain_flooding(self) -> Sequence[str]:
        """Return the homes of which something was not kept since the last call, by any thread."""
        found, self._flooding = self._flooding, {}
        return list(found)

    def _new_share(self, home: str, now_s: float) -> _Share:
        """Begin a home's share; where there are many, forget the homes that would have their whole burst again."""
        if len(self._shares) >= _MOST_HOMES:
            full_s = now_s - BURST / PER_S
            self._shares = {name: share for name, share in self._shares.items() if share.counted_s > full_s}
        if len(self._shares) >= _MOST_HOMES:  # more than there are homes: the broker lets nobody invent one
            self._shares.clear()
        share = self._shares[home] = _Share(BURST, now_s)
        return share
