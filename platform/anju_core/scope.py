"""What of the district somebody may see: one value, made from the account in one place and passed to every query.

A scope is never optional. An account whose community, provider or home is missing has `Nothing`, never everything.
"""

from __future__ import annotations

from dataclasses import dataclass

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

_OF_DISTRICT = frozenset({Role.ADMIN, Role.DISTRICT, Role.TESTER, Role.SUPERVISOR})
"""Roles that stand above communities: such an account sees the district unless it names a community."""
_OF_PROVIDER = frozenset({Role.CARER, Role.PROVIDER})
NEEDED = dict.fromkeys(Role, "community") | dict.fromkeys(_OF_PROVIDER, "provider") | {Role.FAMILY: "home"}
"""What each role's scope is made of; a role above communities may do without."""


def scope_of(role: Role, community_id: str | None, provider_id: str | None, home_id: str | None) -> Scope:
    """Return the scope of an account with this role; `Nothing` where what the role needs is missing or empty."""
    if role is Role.FAMILY:
        return OneHome(home_id) if home_id else NOTHING
    if role in _OF_PROVIDER:
        return OneProvider(provider_id) if provider_id else NOTHING
    if community_id:
        return Communities(frozenset({community_id}))
    return WHOLE_DISTRICT if role in _OF_DISTRICT and community_id is None else NOTHING


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
