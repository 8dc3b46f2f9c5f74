"""Count failed sign-ins by login and address, and know the browsers in which an account signed in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Counts of failures live for a day at most: they begin anew.
    op.drop_table("failed_sign_in")
    _create_failures("key_hash")
    op.create_index(op.f("ix_failed_sign_in_last_at"), "failed_sign_in", ["last_at"])
    op.create_table(
        "known_device",
        sa.Column("device_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_known_device_account_id_account")),
        sa.PrimaryKeyConstraint("device_hash", "account_id", name=op.f("pk_known_device")),
    )
    op.create_index(op.f("ix_known_device_account_id"), "known_device", ["account_id"])
    op.create_index(op.f("ix_known_device_used_at"), "known_device", ["used_at"])


def downgrade() -> None:
    op.drop_table("known_device")
    op.drop_table("failed_sign_in")
    _create_failures("login_hash")


def _create_failures(key: str) -> None:
    op.create_table(
        "failed_sign_in",
        sa.Column(key, sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint(key, name=op.f("pk_failed_sign_in")),
    )
