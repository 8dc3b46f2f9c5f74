"""How a Chinese name is typed: whole syllables and their initials."""

from __future__ import annotations

from pypinyin import Style, lazy_pinyin


def search_words(name: str) -> str:
    """`wangguilan wgl` of 王桂兰; letters and digits stay as they are."""
    whole = "".join(lazy_pinyin(name, style=Style.NORMAL))
    initials = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER))
    return f"{whole} {initials}".casefold()
