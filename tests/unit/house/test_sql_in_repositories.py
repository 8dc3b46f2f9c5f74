"""SQL stands in repositories: elsewhere the platform builds no statement and gives a session none but `flush`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PLATFORM = ROOT / "platform" / "anju_platform"
BELOW_SLICES = ("db/", "timeseries/", "app/migrations/")
"""What opens, migrates and probes stores, whatever tables they hold."""
EXEMPT = {
    "app/database_roles.py": "roles and their rights; it reads no row of a table of ours",
    "app/migrate.py": "the lock of the migrations, held before there are tables",
    "app/process_relay.py": "PostgreSQL's LISTEN and NOTIFY; it reads no table",
    "app/seed.py": "it writes made-up people into the tables of many slices",
    "ingest/alarm_ledger.py": "a repository by its nature: digests of one unit of work",
    "ingest/cursors.py": "a repository by its nature: cursors with what is remembered of them",
}
STATEMENTS = frozenset(
    {"and_", "bindparam", "case", "cast", "delete", "desc", "exists", "func", "insert", "lateral", "literal", "not_"}
    | {"null", "or_", "select", "text", "tuple_", "union", "union_all", "update", "values", "with_loader_criteria"}
    | {"aliased", "joinedload", "selectinload", "subqueryload"}
)
SESSION_METHODS = frozenset(
    {"add", "add_all", "connection", "delete", "execute", "expunge", "expunge_all", "get", "get_one", "merge", "query"}
    | {"refresh", "scalar", "scalars", "stream", "stream_scalars", "bulk_save_objects", "bulk_insert_mappings"}
)
SESSION_NAMES = frozenset({"session", "_session", "connection"})


def find_sql(source: str) -> list[str]:
    """Return what builds or runs SQL in a module's source, as `line: what`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sqlalchemy":
            names = {name.name for name in node.names}
            found += [f"{node.lineno}: imports {name}" for name in sorted(names & STATEMENTS)]
        elif isinstance(node, ast.Import):
            whole = [name.name for name in node.names if name.name.partition(".")[0] == "sqlalchemy"]
            found += [f"{node.lineno}: imports {name}, which hides what is used of it" for name in whole]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called, of = node.func.attr, node.func.value
            owner = of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else ""
            if called in {"execute", "executemany"} or (called in SESSION_METHODS and owner in SESSION_NAMES):
                found.append(f"{node.lineno}: calls {owner}.{called}")
    return found


def may_hold_sql(path: str) -> bool:
    return path.endswith("/repository.py") or path.startswith(BELOW_SLICES) or path in EXEMPT


MODULES = {str(path.relative_to(PLATFORM)): path for path in sorted(PLATFORM.rglob("*.py"))}


def test_sql_stands_in_repositories_alone() -> None:
    elsewhere = {
        path: found
        for path, module in MODULES.items()
        if not may_hold_sql(path) and (found := find_sql(module.read_text(encoding="utf-8")))
    }
    assert elsewhere == {}


@pytest.mark.parametrize("path", EXEMPT)
def test_what_is_exempt_holds_sql(path: str) -> None:
    assert find_sql(MODULES[path].read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "planted",
    [
        "from sqlalchemy import select\n",
        "from sqlalchemy import String, update as change\n",
        "from sqlalchemy.orm import Session, selectinload\n",
        "from sqlalchemy.dialects.postgresql import insert\n",
        "import sqlalchemy as sa\n",
        "def read(work):\n    return work.session.get(Home, 'home-01')\n",
        "def read(self):\n    return self._session.scalars(self._query).all()\n",
        "def write(session, row):\n    session.add(row)\n",
        "def write(unit):\n    unit.session.connection().execute(STATEMENT)\n",
        "def write(link):\n    link.execute('DELETE FROM alert')\n",
    ],
)
def test_planted_sql_is_found(planted: str) -> None:
    source = MODULES["alerts/summaries.py"].read_text(encoding="utf-8")
    before = find_sql(source)
    assert not before
    assert find_sql(f"{source}\n\n{planted}")


@pytest.mark.parametrize(
    "allowed",
    [
        "def save(work):\n    work.session.flush()\n",
        "from sqlalchemy.orm import Session\n",
        "from sqlalchemy.exc import SQLAlchemyError\n",
        "def read(request):\n    return request.headers.get('authorization')\n",
    ],
)
def test_a_flush_a_type_and_an_error_are_no_sql(allowed: str) -> None:
    assert find_sql(allowed) == []
