"""How a relative calls the elder."""

from __future__ import annotations

from anju_platform.i18n.translation import N_

_KIN = {
    ("女儿", "f"): N_("妈妈"),
    ("儿子", "f"): N_("妈妈"),
    ("女儿", "m"): N_("爸爸"),
    ("儿子", "m"): N_("爸爸"),
    ("孙女", "f"): N_("奶奶"),
    ("孙子", "f"): N_("奶奶"),
    ("孙女", "m"): N_("爷爷"),
    ("孙子", "m"): N_("爷爷"),
}
"""How a relative calls the elder, by the relation of the relative and the gender of the elder."""


def kinship_name(relation: str, gender: str, name: str) -> str:
    """Return, as a message, how a relative calls the elder; the name where the relation says nothing."""
    return _KIN.get((relation, gender), name)
