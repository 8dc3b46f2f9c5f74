"""An open account has what its role needs to see anything; looks are found by who looked.

Accounts that lack it saw everything before. They are disabled and their sessions end; each is named in the log, so that
somebody gives it a community, a provider or a home and opens it again.
"""

from __future__ import annotations

import sqlalchemy as sa
import structlog
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CHECKS = {
    "worker_has_community": (("worker",), "community_id"),
    "carer_has_provider": (("carer", "provider"), "provider_id"),
    "family_has_home": (("family",), "home_id"),
}
"""By the name of the constraint: the roles, and the column that they need."""


def upgrade() -> None:
    _disable_accounts_without_scope()
    with op.batch_alter_table("account") as table:
        for name, (roles, column) in CHECKS.items():
            listed = ", ".join(f"'{role}'" for role in roles)
            has = f"({column} IS NOT NULL AND {column} <> '')"
            table.create_check_constraint(
                op.f(f"ck_account_{name}"), f"disabled_at IS NOT NULL OR role NOT IN ({listed}) OR {has}"
            )
    op.create_index("ix_audit_event_account_at", "audit_event", ["account_id", "at"])


def downgrade() -> None:
    op.drop_index("ix_audit_event_account_at", "audit_event")
    with op.batch_alter_table("account") as table:
        for name in CHECKS:
            table.drop_constraint(op.f(f"ck_account_{name}"), type_="check")


def _disable_accounts_without_scope() -> None:
    log = structlog.get_logger("anju.migrations")
    account = sa.table(
        "account",
        *(sa.column(name, sa.String()) for name in ("login", "role", "community_id", "provider_id", "home_id")),
        sa.column("id", sa.Uuid()),
        sa.column("disabled_at", sa.DateTime(timezone=True)),
    )
    session = sa.table("session", sa.column("account_id", sa.Uuid()))
    for roles, column in CHECKS.values():
        lacks = sa.or_(account.c[column].is_(None), account.c[column] == "")
        where = sa.and_(account.c.role.in_(roles), account.c.disabled_at.is_(None), lacks)
        found = op.get_bind().execute(sa.select(account.c.id, account.c.login, account.c.role).where(where)).all()
        for account_id, login, role in found:
            op.execute(session.delete().where(session.c.account_id == account_id))
            log.warning("account_disabled", login=login, role=role, why=f"it has no {column}")
        op.execute(account.update().where(where).values(disabled_at=sa.func.current_timestamp()))
