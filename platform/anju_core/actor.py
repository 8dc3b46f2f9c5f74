"""The signed-in person who acts, with a role and a scope."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from anju_core.scope import Scope, ScopeKind, covers, scope_of
from anju_core.vocabulary import Role

_WITHOUT_NAMES = frozenset({Role.DISTRICT, Role.TESTER})
"""Roles that work with figures and homes' ids: who lives there is not theirs to know (PIPL art. 6, 28: necessity)."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at the platform; `name` is as elders hear it. Which ids are set depends on the role."""

    account_id: UUID
    name: str
    role: Role
    community_id: str | None = None
    provider_id: str | None = None
    home_id: str | None = None
    scope_kind: ScopeKind | None = None
    """None: the usual one of the role."""

    @property
    def scope(self) -> Scope:
        """What of the district the person may see."""
        return scope_of(self.role, self.community_id, self.provider_id, self.home_id, self.scope_kind)

    @property
    def sees_names(self) -> bool:
        """Whether residents are shown to the person by name and address, else by their home's id."""
        return self.role not in _WITHOUT_NAMES

    def opens_case(self, why: str) -> bool:
        """Return whether the person, who sees no names, is told one for this reason: an overseer of the district."""
        return self.role is Role.DISTRICT and bool(why.strip())

    def may_see(self, community_id: str | None, home_id: str | None, provider_id: str | None = None) -> bool:
        """Return whether a thing of this community, home and provider is within the person's scope."""
        return covers(self.scope, community_id=community_id, home_id=home_id, provider_id=provider_id)
