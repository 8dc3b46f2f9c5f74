"""What tells two alarm messages apart that claim one number: a digest of their content. Pure.

`sent` and `base` are left out: a gateway stamps them anew whenever it sends a message again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

from anju_wire.messages import MAX_MESSAGE_BYTES, Record, encode_pack

_BYTES = 16
_STAMPS = re.compile(rb'"(?:sent|base)"\s*:\s*[-+0-9.eE]*')


def digest_of_pack(pack: Sequence[Record]) -> str:
    """Return the digest of a message's records as they came, before any clock is corrected."""
    return blake2b(encode_pack(pack), digest_size=_BYTES).hexdigest()


def digest_of_bytes(payload: bytes) -> str:
    """Return the digest of a message as its bytes came, however new or unreadable it is."""
    return blake2b(_STAMPS.sub(b"", payload[:MAX_MESSAGE_BYTES]), digest_size=_BYTES).hexdigest()
