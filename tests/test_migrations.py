"""The schema's history leads to the tables, once, whoever asks for it."""

from __future__ import annotations

import datetime as dt
import hashlib
import multiprocessing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from engine import claims, ledger, migrations
from engine.chains.faults import faults
from engine.chains.steps import setting
from engine.db import Database
from engine.errors import Conflict
from engine.fields import Keyring
from engine.models import (
    Base,
    Candidate,
    Case,
    Chain,
    Headship,
    LedgerPage,
    Person,
    Placement,
    ProcedureVersion,
    Sequel,
    ServiceToken,
    SignOff,
    WorkRound,
    WorkStep,
)
from webapp.api.description import OF_TOKENS


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, keyring: Keyring) -> Iterator[str]:
    """Address of a database without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    url = sa.make_url(request.getfixturevalue("postgres"))
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE partwell_empty"))
    yield url.set(database="partwell_empty").render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(sa.text("DROP DATABASE partwell_empty WITH (FORCE)"))


def _differences(database: Database) -> list[object]:
    with database.reading() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata))


def test_the_migrations_make_exactly_the_tables(empty: str, keyring: Keyring) -> None:
    """After an upgrade nothing is missing, left over or of another type."""
    database = Database(empty, keyring)
    assert _differences(database)
    migrations.upgrade(database)
    assert _differences(database) == []
    database.dispose()


def test_an_upgrade_twice_changes_nothing(empty: str, keyring: Keyring) -> None:
    """The second one leaves schema and rows alone."""
    database = Database(empty, keyring)
    migrations.upgrade(database)
    with database.unit() as unit:
        unit.add(Person, id="1" * 32, name="林小北", post="", post_en="", active=True)
        unit.commit()
    migrations.upgrade(database)
    with database.reading() as connection:
        assert connection.execute(sa.select(Person.name)).scalars().all() == ["林小北"]
        assert len(connection.execute(sa.text("SELECT version_num FROM alembic_version")).all()) == 1
    assert _differences(database) == []
    database.dispose()


def _first_start(address: str, keys: Path, gate: Any) -> None:
    database = Database(address, Keyring.open(keys))
    gate.wait(30)
    migrations.upgrade(database)


def test_first_starts_at_the_same_moment(empty: str, keyring: Keyring) -> None:
    """Web and worker that both find an empty database upgrade it once, and both go on."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    processes = [context.Process(target=_first_start, args=(empty, keyring.path, gate)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    database = Database(empty, keyring)
    assert _differences(database) == []
    database.dispose()


def test_a_migration_that_fails_leaves_nothing(empty: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in the middle of the first migration rolls all of it back, and the next upgrade succeeds."""
    create, made = Operations.create_table, []

    def stumble(self: Operations, name: str, *columns: object, **more: object) -> object:
        if len(made) == 5:
            raise OSError("power cut")
        made.append(name)
        return create(self, name, *columns, **more)  # type: ignore[arg-type]

    database = Database(empty, keyring)
    with monkeypatch.context() as patched:
        patched.setattr(Operations, "create_table", stumble)
        with pytest.raises(OSError, match="power cut"):
            migrations.upgrade(database)
    assert len(made) == 5
    with database.reading() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
    migrations.upgrade(database)
    assert _differences(database) == []
    database.dispose()


def test_the_rows_of_the_first_schema_outlive_all_others(empty: str, keyring: Keyring) -> None:
    """An item with a round, a timer and a chain of entries, written by the first release, are read by this one as they were."""
    database = Database(empty, keyring)
    engine = database.unpooled()
    with engine.connect() as connection:
        command.upgrade(migrations.config(connection), "0001")
    ids = {
        name: f"{number:032x}"
        for number, name in enumerate(("version", "boss", "subject", "case", "item", "step", "round", "sign", "job"), 1)
    }
    at = "2026-11-24T01:00:00.000000+00:00"
    digest, entries = ledger.START, []
    for number, command_id in enumerate(("a click", "5b" * 16), 1):
        payload = ledger.canonical({"salt": "5a" * 16, "values": {"理由": "无"}})
        told: Any = {"case": ids["case"], "number": number, "at": at, "event": "case:started", "actor": ids["boss"], "element": None}
        digest = ledger.digest(told, hashlib.sha256(payload).hexdigest(), digest)
        sealed = keyring.seal(payload, f"ledger.payload/{ids['case']}/{number}")
        row = {"case_id": ids["case"], "number": number, "at": at, "event": "case:started", "actor_id": ids["boss"]}
        entries.append(row | {"payload": sealed, "digest": digest, "request_id": command_id})
    rows: Mapping[str, Mapping[str, object]] = {
        "persons": {"id": ids["boss"], "name": "陈立", "post": "", "post_en": "", "active": True, "manager_id": None},
        "persons ": {"id": ids["subject"], "name": "林小北", "post": "", "post_en": "", "active": True, "manager_id": ids["boss"]},
        "procedure_versions": {"id": ids["version"], "procedure": "p", "number": 1, "digest": digest, "name": "", "name_en": ""}
        | {"active": True, "deployed_at": at},
        "cases": {"id": ids["case"], "number": "1", "procedure": "p", "version_id": ids["version"], "title": "t", "status": "running"}
        | {"subject_id": ids["subject"], "initiator_id": ids["boss"], "incidents": 0, "revision": 1, "state": b"s", "entries": 2}
        | {"head": digest, "started_at": at},
        "work_items": {"id": ids["item"], "case_id": ids["case"], "element": "a", "instance": "a#1", "name": "A", "name_en": "A"}
        | {"status": "open", "for_subject": False, "priority": 50, "opened_at": at},
        "work_steps": {"id": ids["step"], "item_id": ids["item"], "position": 0, "mode": "claim"},
        "work_rounds": {"id": ids["round"], "step_id": ids["step"], "number": 1, "opened_at": at, "trace": "{}"},
        "sign_offs": {"id": ids["sign"], "round_id": ids["round"], "item_id": ids["item"], "case_id": ids["case"], "position": 0}
        | {"state": "open", "opened_at": at},
        "jobs": {"id": ids["job"], "case_id": ids["case"], "kind": "timer", "element": "t", "instance": "t#1", "operation": "", "key": "t"}
        | {"state": "waiting", "due_at": at, "attempts": 0, "max_attempts": 5, "created_at": at},
        "candidates": {"sign_off_id": ids["sign"], "kind": "role", "ref": "hr"},
        "ledger": entries[0],
        "ledger ": entries[1],
    }
    with engine.begin() as connection:
        for table, row in rows.items():
            names = ", ".join(row)
            connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})"), row)
    migrations.upgrade(database)
    assert _differences(database) == []
    with database.reading() as connection:
        case = connection.execute(sa.select(Case.__table__)).one()
        assert (case.id, case.subject_id, case.head, case.state) == (ids["case"], ids["subject"], digest, b"s")
        history = ledger.history(connection, keyring, ids["case"])
        assert ledger.faults(history, head=case.head, count=case.entries) == []
        assert [entry.payload["values"] for entry in history] == [{"理由": "无"}] * 2
        for row in entries:
            page = connection.execute(sa.select(LedgerPage.number).where(LedgerPage.request_id == row["request_id"])).scalar_one()
            assert page == row["number"]
        found = connection.execute(
            sa.select(WorkStep.item_id, SignOff.role, SignOff.person_id, Candidate.ref)
            .join(WorkRound, WorkRound.step_id == WorkStep.id)
            .join(SignOff, SignOff.round_id == WorkRound.id)
            .join(Candidate, Candidate.sign_off_id == SignOff.id)
        ).one()
        assert tuple(found) == (ids["item"], None, None, "hr")
        version = connection.execute(sa.select(ProcedureVersion.id, ProcedureVersion.suspended)).one()
        assert tuple(version) == (ids["version"], False)
    with database.unit() as unit:
        seen = claims.look(unit.connection, case.started_at)
        [job] = claims.claim(unit, seen, now=case.started_at, until=case.started_at, lease="l", limit=5)
        assert (job.id, job.instance, job.priority) == (ids["job"], "t#1", 0)
    with pytest.raises(Conflict), database.unit() as unit:
        again = {"at": case.started_at, "event": "case:started", "payload": b"p", "digests": b"d", "request_id": "a click"}
        unit.add(LedgerPage, case_id=ids["case"], number=3, **again)
        unit.commit()
    database.dispose()


#: rows whose words a migration reads; all others get any value that fits
_WORDS: Mapping[str, Mapping[str, object]] = {
    "chains": {
        "steps": [
            {"name": "主管", "name_en": "Superior", "mode": "single", "approvers": [{"rule": "manager", "of": "initiator", "level": 2}]},
            {"name": "部门", "name_en": "Head", "mode": "single", "twice": "asked", "approvers": [{"rule": "department_head"}]},
            {"name": "人事", "name_en": "HR", "mode": "claim", "twice": "skipped", "approvers": [{"rule": "role", "roles": ["hr"]}]},
        ]
    },
}


def _any_value(table: sa.Table, column: sa.Column[Any], rows: Mapping[str, Mapping[str, object]]) -> object:
    """What fits the column: what the row that it refers to has, where it refers to one."""
    for reference in column.foreign_keys:
        target = reference.column
        return rows[target.table.name][target.name] if target.table is not table else None
    match column.type:
        case sa.Uuid():
            return "a1" * 16
        case sa.String(length=32) if column.name.endswith(("at", "until")):  # SQLite has no type for instants
            return "2026-11-24T01:00:00.000000+00:00"
        case sa.String(length=32) | sa.String(length=64) as text:
            return "a1" * (text.length // 2)
        case sa.String(length=length):
            return "a" * min(length or 5, 5)
        case sa.JSON():
            return {}
        case sa.LargeBinary():
            return b"\xa1" * 32
        case sa.DateTime():
            return dt.datetime(2026, 11, 24, 1, tzinfo=dt.UTC)
        case sa.Date():
            return dt.date(2026, 11, 24)
        case sa.Boolean():
            return True
        case sa.Integer():
            return 1
    raise AssertionError(f"no value for {table.name}.{column.name} of type {column.type!r}")


@pytest.mark.parametrize("release", ["0001", "0006"])
def test_a_database_with_a_row_in_every_table_is_upgraded_and_loses_none(empty: str, keyring: Keyring, release: str) -> None:
    """From the first schema, or the last one before the directory had days: every row is there, and what was moved is found again."""
    database = Database(empty, keyring)
    engine = database.unpooled()
    with engine.connect() as connection:
        command.upgrade(migrations.config(connection), release)
    schema = sa.MetaData()
    schema.reflect(engine)
    written: dict[str, dict[str, object]] = {}
    with engine.begin() as connection:
        for table in schema.sorted_tables:
            if table.name != "alembic_version":
                row = {column.name: _any_value(table, column, written) for column in table.columns}
                written[table.name] = {**row, **_WORDS.get(table.name, {})}
                connection.execute(sa.insert(table), written[table.name])
    migrations.upgrade(database)
    assert _differences(database) == []
    with database.reading() as connection:
        kept = {name: connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar() for name in written}
        assert kept == dict.fromkeys(written, 1)
        placed = connection.execute(sa.select(Placement.person_id, Placement.department_id, Placement.team, Placement.from_day)).one()
        assert tuple(placed) == ("a1" * 16, "aaaaa", "aaaaa", None)
        assert connection.execute(sa.select(Headship.person_id, Headship.department_id)).one() == ("a1" * 16, "aaaaa")
        chain = connection.execute(sa.select(Chain.name, Chain.name_en, Chain.steps, Chain.effective_at, Chain.published_at)).one()
    assert chain.effective_at == chain.published_at and faults(chain.name, chain.name_en, chain.steps) == []
    assert [setting(step, "twice") for step in chain.steps] == ["adjacent", "none", "adjacent"]
    assert chain.steps[0]["approvers"] == [{"rule": "report_line", "of": "initiator", "level": 2}]
    database.dispose()


@pytest.mark.parametrize(
    ("scopes", "now"),
    [
        (["deploy:procedures", "start"], ["read:procedures", "write:procedures", "start"]),
        (["admin:procedures", "deploy:procedures"], ["admin:procedures", "read:procedures", "write:procedures"]),
        (["read:cases", "messages"], ["read:cases", "messages"]),
    ],
)
def test_tokens_that_were_made_may_do_what_they_could(empty: str, keyring: Keyring, scopes: list[str], now: list[str]) -> None:
    """Under the scopes that an administrator can choose now, each once; what was called the same stays."""
    database = Database(empty, keyring)
    engine = database.unpooled()
    with engine.connect() as connection:
        command.upgrade(migrations.config(connection), "0034")
    schema = sa.MetaData()
    schema.reflect(engine, only=("persons", "service_tokens"))
    written: dict[str, dict[str, object]] = {}
    more: dict[str, dict[str, object]] = {"persons": {}, "service_tokens": {"scopes": scopes}}
    with engine.begin() as connection:
        for name, given in more.items():
            table = schema.tables[name]
            written[name] = {column.name: _any_value(table, column, written) for column in table.columns} | given
            connection.execute(sa.insert(table), written[name])
    migrations.upgrade(database)
    with database.reading() as connection:
        assert connection.execute(sa.select(ServiceToken.scopes)).scalar_one() == now
    assert set(now) <= set(OF_TOKENS)
    database.dispose()


def test_disputes_that_were_recorded_are_what_came_after_their_cases(empty: str, keyring: Keyring) -> None:
    """Each with its kind, days and result, in the rows that any procedure's list may fill."""
    database = Database(empty, keyring)
    engine = database.unpooled()
    with engine.connect() as connection:
        command.upgrade(migrations.config(connection), "0032")
    schema = sa.MetaData()
    schema.reflect(engine)
    written: dict[str, dict[str, object]] = {}
    with engine.begin() as connection:
        for name in ("persons", "procedure_versions", "cases", "disputes"):
            written[name] = {column.name: _any_value(schema.tables[name], column, written) for column in schema.tables[name].columns}
            connection.execute(sa.insert(schema.tables[name]), written[name])
    migrations.upgrade(database)
    with database.reading() as connection:
        row = connection.execute(sa.select(Sequel.case_id, Sequel.kind, Sequel.began_on, Sequel.result, Sequel.ended_on)).one()
    assert tuple(row) == tuple(written["disputes"][name] for name in ("case_id", "kind", "filed_on", "result", "ended_on"))
    database.dispose()
