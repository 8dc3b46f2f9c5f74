"""What concerns the whole process that a platform runs in."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG = 10_000
"""New objects between two looks at the youngest: a batch of packs makes thousands, and none of them in a circle."""


@contextmanager
def settled() -> Iterator[None]:
    """Freeze the objects that exist on entry, so that the garbage collector skips them until exit."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()  # at the end of a process extensions complain about objects that were never let go
