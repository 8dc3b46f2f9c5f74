"""Words that people type into a register and that are the same everywhere: relations, and names of devices."""

from __future__ import annotations

from anju_platform.i18n.translation import N_, Words

_KNOWN = frozenset(
    {
        N_("女儿"),
        N_("儿子"),
        N_("孙女"),
        N_("孙子"),
        N_("老伴"),
        N_("侄女"),
        N_("侄子"),
        N_("邻居"),
        N_("朋友"),
        N_("大门"),
        N_("客厅活动"),
        N_("卧室活动"),
        N_("厨房活动"),
        N_("卫生间活动"),
        N_("冰箱门"),
        N_("床头呼叫按钮"),
        N_("厨房烟感"),
        N_("卫生间水浸"),
        N_("腰间手环"),
    }
)


def translate_typed(words: Words, text: str) -> str:
    """Return what somebody typed in the reader's language where it is one of the known words, else as it was typed."""
    return words(text) if text in _KNOWN else text
