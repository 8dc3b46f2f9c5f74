"""What concerns the whole process that a platform runs in."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG = 10_000
"""New objects between two looks at the youngest: a batch of packs makes thousands, and none of them in a circle."""
_SWITCH_S = 0.0005
"""How long a thread that computes keeps others waiting that have an answer of the database, s. An alarm's transaction
waits about 27 times: beside two busy threads that took 340 to 600 ms with CPython's 5 ms, and 80 to 100 ms so."""


@contextmanager
def settled() -> Iterator[None]:
    """Have the garbage collector skip the objects that exist on entry, and threads take turns quickly, until exit."""
    before, switch_s = gc.get_threshold(), sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(switch_s)
        gc.set_threshold(*before)
        gc.unfreeze()  # at the end of a process extensions complain about objects that were never let go
