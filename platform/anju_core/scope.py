"""What of the district somebody may see: one value, made from the account in one place and passed to every query.

A scope is never optional, and its kind is stored. An account whose community, provider or home is missing has
`Nothing`, never everything; the whole district is seen by whom somebody said so of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from anju_core.vocabulary import Role


@dataclass(frozen=True, slots=True)
class WholeDistrict:
    """Every community, provider and home."""


@dataclass(frozen=True, slots=True)
class Communities:
    """The homes of these communities."""

    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class OneProvider:
    """The visits that one provider was asked to make or makes."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class OneHome:
    """One home: that of a resident's family."""

    home_id: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing at all."""


Scope = WholeDistrict | Communities | OneProvider | OneHome | Nothing

WHOLE_DISTRICT = WholeDistrict()
"""For code that acts for no person: detection, deadlines, the command line."""
NOTHING = Nothing()


class ScopeKind(StrEnum):
    """What the scope of an account is made of; it is said when the account is opened, and stored."""

    DISTRICT = "district"
    COMMUNITY = "community"
    PROVIDER = "provider"
    HOME = "home"


_PLACES = frozenset({ScopeKind.DISTRICT, ScopeKind.COMMUNITY})
KINDS: Mapping[Role, frozenset[ScopeKind]] = {
    Role.WORKER: frozenset({ScopeKind.COMMUNITY}),
    Role.SUPERVISOR: _PLACES,
    Role.ADMIN: _PLACES,
    Role.DISTRICT: _PLACES,
    Role.TESTER: _PLACES,
    Role.CARER: frozenset({ScopeKind.PROVIDER}),
    Role.PROVIDER: frozenset({ScopeKind.PROVIDER}),
    Role.FAMILY: frozenset({ScopeKind.HOME}),
}
"""The kinds of scope that a role can have."""
_OF_DISTRICT = frozenset({Role.ADMIN, Role.DISTRICT, Role.TESTER})
"""Roles whose account is of the district where neither a kind nor a community is named."""


def usual_kind(role: Role, community_id: str | None) -> ScopeKind:
    """Return the kind of an account for which none is said: the district only for a role that is the district's."""
    if role in _OF_DISTRICT and community_id is None:
        return ScopeKind.DISTRICT
    return next(iter(KINDS[role] - {ScopeKind.DISTRICT}))


def scope_of(
    role: Role,
    community_id: str | None,
    provider_id: str | None,
    home_id: str | None,
    kind: ScopeKind | None = None,
) -> Scope:
    """Return the scope of an account with this role; `Nothing` where what its kind needs is missing or contradicts it.

    kind: as it is stored; the usual one where it is None.
    """
    known = usual_kind(role, community_id) if kind is None else kind
    if known not in KINDS[role]:
        return NOTHING
    match known:
        case ScopeKind.DISTRICT:
            return WHOLE_DISTRICT if community_id is None else NOTHING
        case ScopeKind.COMMUNITY:
            return Communities(frozenset({community_id})) if community_id else NOTHING
        case ScopeKind.PROVIDER:
            return OneProvider(provider_id) if provider_id else NOTHING
        case ScopeKind.HOME:
            return OneHome(home_id) if home_id else NOTHING


def covers(scope: Scope, *, community_id: str | None, home_id: str | None, provider_id: str | None = None) -> bool:
    """Return whether a thing of this community, home and provider lies within the scope."""
    match scope:
        case WholeDistrict():
            return True
        case Communities(ids):
            return community_id in ids
        case OneProvider(own):
            return provider_id == own
        case OneHome(own):
            return home_id == own
        case Nothing():
            return False
