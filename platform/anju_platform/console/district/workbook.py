"""Writes a workbook (.xlsx) in which nothing that somebody typed becomes a formula or a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import xlsxwriter

Cell = str | float | int
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_WIDTH = 22
"""Width of a column, in digits."""
_LONGEST_NAME = 31
"""Letters of a sheet's name that Excel takes."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name and its rows."""

    name: str
    rows: Sequence[Sequence[Cell]]


def write_workbook(sheets: Sequence[Sheet]) -> bytes:
    """Return the workbook. Text is stored as text; what looks like a formula keeps that mark when it is edited."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    quoted = book.add_format({"quote_prefix": True})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name[:_LONGEST_NAME])
        page.set_column(0, max((len(row) for row in sheet.rows), default=1) - 1, _WIDTH)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        for line, row in enumerate(sheet.rows):
            for column, cell in enumerate(row):
                if not isinstance(cell, str):
                    page.write_number(line, column, cell)
                elif cell.startswith(_STARTS_A_FORMULA):
                    page.write_string(line, column, cell, quoted)
                else:
                    page.write_string(line, column, cell)
    book.close()
    return out.getvalue()
