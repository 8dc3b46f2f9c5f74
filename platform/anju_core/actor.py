"""The signed-in person who acts, with a role and a scope."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from anju_core.vocabulary import Role

_OVERSEERS = frozenset({Role.ADMIN, Role.DISTRICT, Role.TESTER, Role.SUPERVISOR})
"""Roles for which no community means every community."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at the platform; `name` is as elders hear it (王姐). Which ids are set depends on the role."""

    account_id: UUID
    name: str
    role: Role
    community_id: str | None = None
    provider_id: str | None = None
    home_id: str | None = None

    def may_see(self, community_id: str | None, home_id: str | None, provider_id: str | None = None) -> bool:
        """Return whether a thing of this community, home and provider is within the person's scope."""
        if self.role is Role.FAMILY:
            return home_id is not None and home_id == self.home_id
        if self.role in {Role.CARER, Role.PROVIDER}:
            return provider_id is not None and provider_id == self.provider_id
        if self.community_id is None:
            return self.role in _OVERSEERS
        return community_id == self.community_id
