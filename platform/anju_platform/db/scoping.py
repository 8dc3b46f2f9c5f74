"""A scope as a condition of SQL."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, false, true

from anju_core.scope import Communities, Nothing, OneHome, OneProvider, Scope, WholeDistrict


def is_within(
    scope: Scope,
    *,
    community: Callable[[frozenset[str]], ColumnElement[bool]] | None = None,
    home: Callable[[str], ColumnElement[bool]] | None = None,
    provider: Callable[[str], ColumnElement[bool]] | None = None,
) -> ColumnElement[bool]:
    """Return the condition that a row lies within the scope.

    Each function makes the condition for one kind of scope; a row that has no such relation is not within it.
    """
    match scope:
        case WholeDistrict():
            return true()
        case Communities(ids):
            return false() if community is None else community(ids)
        case OneHome(home_id):
            return false() if home is None else home(home_id)
        case OneProvider(provider_id):
            return false() if provider is None else provider(provider_id)
        case Nothing():
            return false()
