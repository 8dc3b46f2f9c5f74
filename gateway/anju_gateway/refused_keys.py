"""Which keys of which devices' messages the gateway refuses: for the log, and for people who look after the home."""

from __future__ import annotations

from dataclasses import dataclass

from anju_gateway.adapters.port import RefusedPart
from anju_wire.bounds import MAX_ID, clean_text
from anju_wire.messages import MAX_REFUSED_KEYS, MAX_REFUSED_WHY, RefusedKey

MOST_KEPT = 256
"""Keys told apart: a device that invents keys must not fill the memory. The rarest makes room for a new one."""


@dataclass(slots=True)
class _Counted:
    count: int = 0
    why: str = ""


class RefusalCounter:
    """Counts refused parts since the gateway was started. `total` counts all of them."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str], _Counted] = {}
        self.total = 0

    def add_refusal(self, part: RefusedPart) -> int:
        """Count one refused part; return how often this key of this device was refused."""
        self.total += 1
        key = (clean_text(part.device, MAX_ID), clean_text(part.key, MAX_ID))
        if key not in self._counted and len(self._counted) >= MOST_KEPT:
            del self._counted[min(self._counted, key=lambda one: self._counted[one].count)]
        counted = self._counted.setdefault(key, _Counted())
        counted.count += 1
        counted.why = clean_text(part.why, MAX_REFUSED_WHY)
        return counted.count

    def list_most(self) -> list[RefusedKey]:
        """Return the keys that are refused most often, the most frequent first, as `Status` carries them."""
        found = sorted(self._counted.items(), key=lambda one: (-one[1].count, one[0]))
        return [
            RefusedKey(device=device, key=key, count=counted.count, why=counted.why)
            for (device, key), counted in found[:MAX_REFUSED_KEYS]
        ]
