"""Addresses as they are spoken."""

from __future__ import annotations

from anju_platform.i18n.translation import N_, Words


def address(words: Words, estate: str, building: str, unit: str, room: str) -> str:
    """An address as it is spoken: `春晖里 3 号楼 2 单元 501 室`; what already has its word keeps it."""

    def said(value: str, zh: str, pattern: str) -> str:
        bare = value.strip()
        if not bare or bare.endswith(tuple(zh)):
            return bare
        return words(pattern, n=bare)

    parts = (
        estate.strip(),
        said(building, "楼栋座幢", N_("%(n)s 号楼")),
        said(unit, "单元门", N_("%(n)s 单元")),
        said(room, "室号", N_("%(n)s 室")),
    )
    return " ".join(part for part in parts if part)
