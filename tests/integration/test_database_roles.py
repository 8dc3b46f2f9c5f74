"""Who serves may read and write rows of PostgreSQL, but rewrite no history, drop no trigger, and own nothing."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from fixtures.databases import SERVICE, PostgresServer, as_owner
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner

from anju_cli.platform import app
from anju_platform.app import migrate
from anju_platform.app.database_roles import INSERT_ONLY, SameRole, grant_service
from anju_platform.app.models import METADATA
from anju_platform.db.engine import make_engine

REFUSED = r"permission denied|must be (owner|superuser)"


@pytest.fixture
def serving(postgres_url: str) -> Iterator[Engine]:
    made = make_engine(postgres_url)
    yield made
    made.dispose()


@pytest.mark.parametrize("table", sorted(INSERT_ONLY))
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET id = id",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "DROP TABLE {} CASCADE",
        "DROP TRIGGER {}_no_change ON {}",
        "CREATE TABLE copy_of AS SELECT * FROM {}",
    ],
)
def test_who_serves_cannot_touch_what_was_recorded(serving: Engine, table: str, statement: str) -> None:
    column = "id" if table.endswith("_event") else "trail"
    with pytest.raises(ProgrammingError, match=REFUSED), serving.begin() as link:
        link.execute(text(statement.replace("id = id", f"{column} = {column}").replace("{}", table)))


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "CREATE ROLE second SUPERUSER",
        "SET ROLE postgres",
        "DROP FUNCTION refuse_change() CASCADE",
        "UPDATE alembic_version SET version_num = '0001'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_who_serves_cannot_step_out_of_its_role(serving: Engine, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=REFUSED), serving.begin() as link:
        link.execute(text(statement))


def test_every_table_is_granted(serving: Engine) -> None:
    with serving.connect() as link:
        for table in METADATA.tables:
            rights = {
                right
                for right in ("SELECT", "INSERT", "UPDATE", "DELETE")
                if link.scalar(text("SELECT has_table_privilege(:table, :right)"), {"table": table, "right": right})
            }
            assert rights >= {"SELECT", "INSERT"}, table
            assert (rights >= {"UPDATE", "DELETE"}) is (table not in INSERT_ONLY), table


def test_migrate_makes_the_role_and_follows_its_password(
    empty_postgres_url: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"serves_{uuid4().hex}"
    at = make_url(empty_postgres_url).set(username=role)
    monkeypatch.setenv("ANJU_DATABASE_OWNER_URL", empty_postgres_url)
    hashes = []
    for password in ("one of 256 random bits", "and another 'of' those"):
        url = at.set(password=password).render_as_string(hide_password=False)
        monkeypatch.setenv("ANJU_DATABASE_URL", url)
        done = CliRunner().invoke(app, ["migrate"])
        assert done.exit_code == 0, done.output
        assert migrate.current(url) == migrate.head()
        with psycopg.connect(host="127.0.0.1", port=postgres.port, user="postgres", dbname="postgres") as link:
            hashes += link.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (role,)).fetchone() or ()
    assert [one.partition("$")[0] for one in hashes] == ["SCRAM-SHA-256"] * 2
    assert hashes[0] != hashes[1]


def test_one_role_cannot_be_both(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = as_owner(postgres_url)
    with pytest.raises(SameRole, match="postgres"):
        grant_service(owner, owner)
    monkeypatch.setenv("ANJU_DATABASE_URL", owner)
    monkeypatch.setenv("ANJU_DATABASE_OWNER_URL", owner)
    done = CliRunner().invoke(app, ["migrate"])
    assert done.exit_code == 1
    assert "name two" in done.output


def test_a_table_that_came_later_is_granted_too(postgres_url: str, serving: Engine) -> None:
    owner = make_engine(as_owner(postgres_url))
    with owner.begin() as link:
        link.execute(text("CREATE TABLE later (id integer)"))
    owner.dispose()
    grant_service(as_owner(postgres_url), postgres_url)
    with serving.begin() as link:
        link.execute(text("INSERT INTO later VALUES (1)"))
    assert make_url(postgres_url).username == SERVICE
