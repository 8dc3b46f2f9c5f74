"""Reads what is left of a broken spool: row by row through SQLite, then from the bare bytes; nothing unchecked."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from anju_wire.vocabulary import SPOOLED_LANES, Lane

_SUM_BYTES = 8
_TEXT, _BLOB = 13, 12
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}
"""Length of an integer by its serial type (SQLite's file format, §2.1); 8 and 9 are the numbers 0 and 1 themselves."""
_ONE = 9
_QUERIES = (
    "SELECT seq, pack, sum FROM message WHERE lane = ? ORDER BY seq",
    "SELECT seq, pack, sum FROM message WHERE lane = ? ORDER BY seq DESC",
)
_COPIED = {
    "staged": "SELECT record FROM staged",
    "adapter_state": "SELECT key, value FROM adapter_state",
    "played": "SELECT id, expires FROM played",
}


@dataclass(slots=True)
class Salvage:
    """What could be read. `lost`: messages known to be missing, at least one: nobody knows what stood at its end."""

    epoch: int = 0
    dropped: int = 0
    lost: int = 1
    packs: dict[Lane, dict[int, bytes]] = field(default_factory=lambda: defaultdict(dict))
    rows: dict[str, list[tuple[object, ...]]] = field(default_factory=dict)


def row_sum(lane: str, seq: int, pack: bytes) -> bytes:
    """Return the checksum of a spooled message."""
    return blake2b(b"%s %d " % (lane.encode(), seq) + pack, digest_size=_SUM_BYTES).digest()


def salvage_spool(path: Path) -> Salvage:
    """Read what is left of the spool at `path`; raises nothing. The file is not written to."""
    found = Salvage()
    _read_rows(path, found)
    for suffix in ("", "-wal"):
        with contextlib.suppress(OSError):
            _carve(Path(f"{path}{suffix}").read_bytes(), found)
    holes = sum(max(seqs) - min(seqs) + 1 - len(seqs) for seqs in found.packs.values() if seqs)
    found.lost = max(found.lost, holes)
    return found


def _read_rows(path: Path, found: Salvage) -> None:
    """Read through SQLite what it can still walk: each lane from both ends, up to the damage."""
    with contextlib.suppress(sqlite3.Error, OSError), contextlib.closing(_connect(path)) as db:
        with contextlib.suppress(sqlite3.Error):
            meta = dict(db.execute("SELECT key, value FROM meta"))
            found.epoch, found.dropped = int(meta.get("epoch", 0)), int(meta.get("dropped", 0))
            found.lost += int(meta.get("lost", 0))
        for lane in SPOOLED_LANES:
            for query in _QUERIES:
                _read_lane(db, lane, query, found.packs[lane])
        for table, query in _COPIED.items():
            rows = found.rows[table] = []
            with contextlib.suppress(sqlite3.Error):
                rows.extend(db.execute(query))  # appended as far as it goes


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
    db.execute("PRAGMA query_only=ON")
    return db


def _read_lane(db: sqlite3.Connection, lane: Lane, query: str, packs: dict[int, bytes]) -> None:
    with contextlib.suppress(sqlite3.Error, TypeError):
        for seq, pack, checksum in db.execute(query, (lane,)):
            if row_sum(lane, seq, pack) == checksum:
                packs[seq] = pack  # noqa: PERF403 - what was read before an error is kept


def _carve(raw: bytes, found: Salvage) -> None:
    """Find rows by their record headers, whatever the page around them says; a row on several pages is not found."""
    for lane in SPOOLED_LANES:
        name = lane.encode()
        kind = bytes([_TEXT + 2 * len(name)])
        tail = bytes([_BLOB + 2 * _SUM_BYTES])
        header = re.compile(
            re.escape(kind) + rb"([\x01-\x06\x08\x09])([\x80-\xff]{0,3}[\x00-\x7f])" + re.escape(tail + name), re.DOTALL
        )
        for match in header.finditer(raw):
            seq, pack, checksum = _cut(raw, match)
            if checksum == row_sum(lane, seq, pack):
                found.packs[lane][seq] = pack


def _cut(raw: bytes, header: re.Match[bytes]) -> tuple[int, bytes, bytes]:
    """Return number, pack and checksum as they follow a record header."""
    kind, at = header[1][0], header.end()
    start = at + _INTEGER_BYTES[kind]
    seq = int.from_bytes(raw[at:start], "big") if start > at else int(kind == _ONE)
    end = start + (_varint(header[2]) - _BLOB) // 2
    return seq, raw[start:end], raw[end : end + _SUM_BYTES]


def _varint(raw: bytes) -> int:
    value = 0
    for byte in raw:
        value = value << 7 | byte & 0x7F
    return value
