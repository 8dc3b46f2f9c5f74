"""The kind of an account's scope is stored, and the district is seen by whom it was said of.

A supervisor without a community saw every community before. Such accounts are disabled and their sessions end; each is
named in the log, so that somebody opens it again for a community, or in so many words for the district.
"""

from __future__ import annotations

import sqlalchemy as sa
import structlog
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

DISTRICT, OF_PLACES = (
    "('admin', 'district', 'tester', 'supervisor')",
    "('admin', 'district', 'tester', 'supervisor', 'worker')",
)
HAS = "{0} IS NOT NULL AND {0} <> ''"
CHECK = (
    "disabled_at IS NOT NULL OR "
    f"(scope_kind = 'district' AND role IN {DISTRICT} AND community_id IS NULL) OR "
    f"(scope_kind = 'community' AND role IN {OF_PLACES} AND {HAS.format('community_id')}) OR "
    f"(scope_kind = 'provider' AND role IN ('carer', 'provider') AND {HAS.format('provider_id')}) OR "
    f"(scope_kind = 'home' AND role = 'family' AND {HAS.format('home_id')})"
)
FORMER = {
    "worker_has_community": (("worker",), "community_id"),
    "carer_has_provider": (("carer", "provider"), "provider_id"),
    "family_has_home": (("family",), "home_id"),
}
"""By the name of the constraint: the roles, and the column that they need."""


def upgrade() -> None:
    op.add_column("account", sa.Column("scope_kind", sa.String(length=20), nullable=True))
    op.execute(
        "UPDATE account SET scope_kind = CASE "
        "WHEN role IN ('carer', 'provider') THEN 'provider' WHEN role = 'family' THEN 'home' "
        "WHEN role IN ('admin', 'district', 'tester') AND community_id IS NULL THEN 'district' ELSE 'community' END"
    )
    _disable_accounts_without_scope()
    with op.batch_alter_table("account") as table:
        table.alter_column("scope_kind", existing_type=sa.String(length=20), nullable=False)
        for name in FORMER:
            table.drop_constraint(op.f(f"ck_account_{name}"), type_="check")
        table.create_check_constraint(op.f("ck_account_has_scope"), CHECK)


def downgrade() -> None:
    with op.batch_alter_table("account") as table:
        table.drop_constraint(op.f("ck_account_has_scope"), type_="check")
        table.drop_column("scope_kind")
        for name, (roles, column) in FORMER.items():
            listed = ", ".join(f"'{role}'" for role in roles)
            table.create_check_constraint(
                op.f(f"ck_account_{name}"),
                f"disabled_at IS NOT NULL OR role NOT IN ({listed}) OR ({HAS.format(column)})",
            )


def _disable_accounts_without_scope() -> None:
    log, link = structlog.get_logger("anju.migrations"), op.get_bind()
    lacking = sa.text(f"SELECT id, login, role FROM account WHERE NOT ({CHECK})")  # noqa: S608 - a constant
    for account_id, login, role in link.execute(lacking).all():
        link.execute(sa.text("DELETE FROM session WHERE account_id = :id"), {"id": account_id})
        link.execute(
            sa.text("UPDATE account SET disabled_at = CURRENT_TIMESTAMP WHERE id = :id"),
            {"id": account_id},
        )
        log.warning("account_disabled", login=login, role=role, why="nobody said what it may see")
