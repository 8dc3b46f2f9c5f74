"""Name tables by the field's words: changes of sensitivity, audit events, sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_CHANGE = (
    "id, community_id, at, account_id, by_name, false_alerts_before, false_alerts, routine_changes_before, "
    "routine_changes"
)
_EVENT = "id, at, account_id, by_name, role, home_id, what, why"
_SESSION = "token_hash, account_id, csrf, created_at, seen_at, expires_at"
_READ = {"strip": "activity", "figures": "kpis"}
"""What an audit event names: the old word and the new one."""


def upgrade() -> None:
    _create_changes("sensitivity_change")
    _move("wish_change", "sensitivity_change", _CHANGE)
    _create_events("audit_event")
    _move("look", "audit_event", _EVENT)
    _create_sessions("session")
    _move("sign_in", "session", _SESSION)
    for old, new in _READ.items():
        op.execute(f"UPDATE audit_event SET what = '{new}' WHERE what = '{old}'")  # noqa: S608 - words of ours


def downgrade() -> None:
    for old, new in _READ.items():
        op.execute(f"UPDATE audit_event SET what = '{old}' WHERE what = '{new}'")  # noqa: S608 - words of ours
    _create_sessions("sign_in")
    _move("session", "sign_in", _SESSION)
    _create_events("look")
    _move("audit_event", "look", _EVENT)
    _create_changes("wish_change")
    _move("sensitivity_change", "wish_change", _CHANGE)


def _move(old: str, new: str, columns: str) -> None:
    op.execute(f"INSERT INTO {new} ({columns}) SELECT {columns} FROM {old}")  # noqa: S608 - names of ours
    op.drop_table(old)


def _create_changes(table: str) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.String(length=63), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=100), nullable=False),
        sa.Column("false_alerts_before", sa.Double(), nullable=False),
        sa.Column("false_alerts", sa.Double(), nullable=False),
        sa.Column("routine_changes_before", sa.Double(), nullable=False),
        sa.Column("routine_changes", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f(f"fk_{table}_account_id_account")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f(f"fk_{table}_community_id_community")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"ix_{table}_community_at", table, ["community_id", "at"])


def _create_events(table: str) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("home_id", sa.String(length=63), nullable=True),
        sa.Column("what", sa.String(length=60), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"ix_{table}_home_at", table, ["home_id", "at"])


def _create_sessions(table: str) -> None:
    op.create_table(
        table,
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f(f"fk_{table}_account_id_account")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_account_id"), table, ["account_id"])
