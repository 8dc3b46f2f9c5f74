"""Codes by which a worker who goes to an alert in person proves that she is there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alert", sa.Column("arrival_code", sa.String(length=12), nullable=False, server_default=""))
    op.add_column("alert", sa.Column("wrong_codes", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("alert", "wrong_codes")
    op.drop_column("alert", "arrival_code")
