"""The pinyin of Chinese names, for search."""

from __future__ import annotations

from pypinyin import Style, lazy_pinyin


def search_words(name: str) -> str:
    """Return the pinyin and initials of a name (`wangguilan wgl` of 王桂兰); letters and digits stay as they are."""
    whole = "".join(lazy_pinyin(name, style=Style.NORMAL))
    initials = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER))
    return f"{whole} {initials}".casefold()
