"""Keep the content's digest of each stored alarm message, and where the stored numbers of a stream begin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm_digest",
        sa.Column("gateway_id", sa.String(length=63), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", "epoch", "seq", "digest", name=op.f("pk_alarm_digest")),
    )
    op.create_index("ix_alarm_digest_gateway_id_at", "alarm_digest", ["gateway_id", "at"])
    op.add_column("ingest_cursor", sa.Column("first", sa.BigInteger(), server_default="1", nullable=False))


def downgrade() -> None:
    op.drop_column("ingest_cursor", "first")
    op.drop_table("alarm_digest")
