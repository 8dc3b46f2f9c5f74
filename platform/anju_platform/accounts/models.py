"""Tables of accounts, sessions and audit events."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from anju_core.scope import usual_kind
from anju_core.vocabulary import Role
from anju_platform.db.base import Base


def _usual_kind(context: DefaultExecutionContext) -> str:
    row = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return usual_kind(Role(row["role"]), row.get("community_id")).value


class Account(Base):
    """Somebody who may sign in. An open account has what its role needs to have a scope (`anju_core.scope`)."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(
            "disabled_at IS NOT NULL OR "
            "(scope_kind = 'district' AND role IN ('admin', 'district', 'tester', 'supervisor') "
            "AND community_id IS NULL) OR "
            "(scope_kind = 'community' AND role IN ('admin', 'district', 'tester', 'supervisor', 'worker') "
            "AND community_id IS NOT NULL AND community_id <> '') OR "
            "(scope_kind = 'provider' AND role IN ('carer', 'provider') "
            "AND provider_id IS NOT NULL AND provider_id <> '') OR "
            "(scope_kind = 'home' AND role = 'family' AND home_id IS NOT NULL AND home_id <> '')",
            name="has_scope",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    """As elders hear it: 王姐."""
    role: Mapped[str] = mapped_column(String(20))
    scope_kind: Mapped[str] = mapped_column(String(20), default=_usual_kind)
    """`anju_core.scope.ScopeKind`: of what the scope is made, whatever else is set."""
    community_id: Mapped[str | None] = mapped_column(ForeignKey("community.id"))
    provider_id: Mapped[str | None] = mapped_column(ForeignKey("provider.id"))
    home_id: Mapped[str | None] = mapped_column(ForeignKey("home.id"))
    """The scope of a family member."""
    phone: Mapped[str] = mapped_column(String(30), default="")
    locale: Mapped[str] = mapped_column(String(10), default="zh")
    password_hash: Mapped[str] = mapped_column(String(200))
    disabled_at: Mapped[datetime | None]


class Session(Base):
    """An open session; the cookie holds the secret, the table its hash."""

    __tablename__ = "session"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class FailedSignIn(Base):
    """Failed attempts at a login from one address or one known browser since the last success there.

    Unknown logins count too, so that none is betrayed.
    """

    __tablename__ = "failed_sign_in"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """`lockout.attempt_key`."""
    failures: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(index=True)
    locked_until: Mapped[datetime | None]


class KnownDevice(Base):
    """A browser in which an account signed in before; its cookie holds a secret, the table its hash."""

    __tablename__ = "known_device"

    device_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True, index=True)
    used_at: Mapped[datetime] = mapped_column(index=True)
    """The last sign-in."""


class AuditEvent(Base):
    """Somebody read a person's data: append-only (PIPL art. 51; GB/T 22239 keeps it six months or more)."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_home_at", "home_id", "at"),
        Index("ix_audit_event_account_at", "account_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    account_id: Mapped[UUID | None]
    by_name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    home_id: Mapped[str | None] = mapped_column(String(63))
    what: Mapped[str] = mapped_column(String(60))
    """`alert`, `home`, `door_code`, `activity`, `family_summary`, `export`, …."""
    why: Mapped[str] = mapped_column(Text, default="")
