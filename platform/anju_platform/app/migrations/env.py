"""How Alembic meets Anju's models; `app.migrate` hands over the connection."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from anju_platform.app.models import METADATA
from anju_platform.db.base import UtcTime


def render(kind: str, item: object, autogen_context: Any) -> str | Literal[False]:  # noqa: ANN401, ARG001
    # A migration must mean the same when the code has moved on, so it names the database's type and not ours.
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    render_item=render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
