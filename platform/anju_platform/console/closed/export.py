"""A table as CSV that a spreadsheet opens as it is meant, and in which no cell is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

BOM = "\ufeff"
"""Tells Excel that the text is UTF-8: without it Chinese is garbled."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a table as CSV in UTF-8 with a byte-order mark, lines ended by CR LF (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([disarm(cell) for cell in header])
    writer.writerows([disarm(cell) for cell in row] for row in rows)
    return (BOM + out.getvalue()).encode()


def disarm(cell: str) -> str:
    """Return a cell's text so that no spreadsheet takes it for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.lstrip(" \u3000").startswith(_FORMULAS) or cell.startswith(_FORMULAS) else cell
