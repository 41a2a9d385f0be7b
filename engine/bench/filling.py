"""A million rows without running a million cases: copies of what one case really stored, under ids and numbers of their own.

What is sealed and digested is copied as it is, so a copy has the size of a run case but cannot be opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ..db import Database
from ..models import Base, Candidate, Case, Job, LedgerPage, SignOff, WorkItem
from ..models.base import Id, Mark

#: tables that a case of user tasks writes to
_TABLES = (Case, WorkItem, SignOff, LedgerPage, Job, Candidate)
#: ids that are the case's own, and so differ in every copy
_OWN = {"id", "case_id", "item_id", "sign_off_id"}
#: texts and marks that must differ, too
_UNIQUE = {"number", "key", "request_id"}
_STEP = 50_000


def fill(database: Database, case_id: str, copies: int, *, first: int = 1, other: Mapping[str, str] | None = None) -> None:
    """Store `copies` of a case, numbered from `first`. `other`: SQL by `table.column` for what else shall differ, with `:n`."""
    engine = database.unpooled()
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET session_replication_role = replica"))  # each reference of a copy is right as it was
        connection.commit()
        for start in range(first, first + copies, _STEP):
            span = {"start": start, "stop": min(start + _STEP, first + copies) - 1, "case": case_id}
            for model in _TABLES:
                connection.execute(sa.text(_copy(engine.dialect.name, model, other or {})), span)
            connection.commit()
        if engine.dialect.name == "postgresql":
            connection.commit()
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("VACUUM ANALYZE"))
        else:
            connection.execute(sa.text("ANALYZE"))
            connection.commit()
    engine.dispose()


def _copy(dialect: str, model: type[Base], other: Mapping[str, str]) -> str:
    table: Any = model.__table__
    values = [_value(dialect, table.name, column, other) for column in table.columns]
    numbers = (
        "generate_series(CAST(:start AS integer), CAST(:stop AS integer)) AS numbers(n)"
        if dialect == "postgresql"
        else "(WITH RECURSIVE s(n) AS (SELECT :start UNION ALL SELECT n + 1 FROM s WHERE n < :stop) SELECT n FROM s) AS numbers"
    )
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    # read once, however the database would join it with the numbers
    original = f"WITH original AS MATERIALIZED (SELECT * FROM {table.name} WHERE {_of_case(dialect, model)})"
    return f"INSERT INTO {table.name} ({names}) {original} SELECT {', '.join(values)} FROM original AS {table.name}, {numbers}"


def _of_case(dialect: str, model: type[Base]) -> str:
    """The condition on the rows of a table that belong to the case `:case`, as an index finds them."""
    case = _id(dialect, ":case")
    if model is Case:
        return f"id = {case}"
    items = f"SELECT id FROM work_items WHERE case_id = {case}"
    if model is SignOff:
        return f"item_id IN ({items})"
    if model is Candidate:
        return f"sign_off_id IN (SELECT id FROM sign_offs WHERE item_id IN ({items}))"
    return f"case_id = {case}"


def _id(dialect: str, value: str) -> str:
    return f"CAST({value} AS uuid)" if dialect == "postgresql" else value


def _value(dialect: str, table: str, column: sa.Column[Any], other: Mapping[str, str]) -> str:
    name = f'{table}."{column.name}"'
    if given := other.get(f"{table}.{column.name}"):
        return given.replace(":n", "numbers.n")
    if isinstance(column.type, Id) and column.name in _OWN:
        if dialect == "postgresql":
            return f"CAST(lpad(to_hex(numbers.n), 12, '0') || substr(replace(CAST({name} AS text), '-', ''), 13) AS uuid)"
        return f"printf('%012x', numbers.n) || substr({name}, 13)"
    if column.name in _UNIQUE and isinstance(column.type, sa.String | Mark):
        number = "lpad(CAST(numbers.n AS text), 12, '0')" if dialect == "postgresql" else "printf('%012d', numbers.n)"
        if isinstance(column.type, sa.String):
            return f"{number} || substr({name}, 13)"
        if dialect == "postgresql":
            return f"convert_to({number}, 'UTF8') || substr({name}, 13)"
        return f"CAST({number} || substr({name}, 13) AS blob)"
    return name


def widths(database: Database, case_id: str) -> dict[str, Sequence[tuple[Any, ...]]]:
    """How many bytes each column of a case's rows takes, by table: what a copy must have in common with the original."""
    found: dict[str, Sequence[tuple[Any, ...]]] = {}
    with database.reading() as connection:
        dialect = connection.dialect.name
        size = "pg_column_size" if dialect == "postgresql" else "length"
        for model in _TABLES:
            table: Any = model.__table__
            columns = ", ".join(f'{size}({table.name}."{column.name}")' for column in table.columns)
            rows = connection.execute(sa.text(f"SELECT {columns} FROM {table.name} WHERE {_of_case(dialect, model)}"), {"case": case_id})
            found[table.name] = sorted((tuple(row) for row in rows), key=str)
    return found
