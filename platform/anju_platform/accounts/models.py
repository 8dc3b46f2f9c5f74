"""Tables of accounts, sessions and audit events."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from anju_platform.db.base import Base


class Account(Base):
    """Somebody who may sign in."""

    __tablename__ = "account"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    """As elders hear it: 王姐."""
    role: Mapped[str] = mapped_column(String(20))
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
    """Failed attempts of a login since its last success; unknown logins count too, so that none is betrayed."""

    __tablename__ = "failed_sign_in"

    login_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the login: people type passwords into the wrong field."""
    failures: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class AuditEvent(Base):
    """Somebody read a person's data: append-only (PIPL art. 51; GB/T 22239 keeps it six months or more)."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_home_at", "home_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    account_id: Mapped[UUID | None]
    by_name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    home_id: Mapped[str | None] = mapped_column(String(63))
    what: Mapped[str] = mapped_column(String(60))
    """`alert`, `home`, `door_code`, `activity`, `family_summary`, `export`, …."""
    why: Mapped[str] = mapped_column(Text, default="")
