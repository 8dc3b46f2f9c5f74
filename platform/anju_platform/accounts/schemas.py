"""What the API receives and returns about sessions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from anju_core.actor import Actor
from anju_core.vocabulary import Role


class Credentials(BaseModel):
    """A login and its password."""

    login: str = Field(min_length=1, max_length=60)
    password: SecretStr = Field(min_length=1, max_length=1000)


class ActorView(BaseModel):
    """A signed-in person with role and scope."""

    model_config = ConfigDict(from_attributes=True)

    account_id: UUID
    name: str
    role: Role
    community_id: str | None
    provider_id: str | None
    home_id: str | None

    @classmethod
    def of(cls, actor: Actor) -> ActorView:
        """Return the schema of an actor."""
        return cls.model_validate(actor)


class SessionView(BaseModel):
    """A new session; its token is shown once."""

    token: str
    expires_at: datetime
    actor: ActorView


class MeView(ActorView):
    """A signed-in person with what a client needs: language, end of the session, CSRF token."""

    locale: str
    expires_at: datetime
    csrf: str
