"""The sample company's own SQLite file: rows, employees, what was received, what was asked, planned faults, mail."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from webapp.demo.company.rows import DAYS, Row, record_of, rows_of
from webapp.demo.roster import EMPLOYEES

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rows (
    kind TEXT NOT NULL, row_id TEXT NOT NULL, emp_no TEXT NOT NULL, team_code TEXT NOT NULL, day TEXT NOT NULL,
    data TEXT NOT NULL, PRIMARY KEY (kind, row_id)
);
CREATE INDEX IF NOT EXISTS rows_by_team ON rows (kind, team_code, day);
CREATE TABLE IF NOT EXISTS employees (id TEXT PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pushes (
    number INTEGER PRIMARY KEY, operation TEXT NOT NULL, key TEXT NOT NULL, attempts INTEGER NOT NULL, effects INTEGER NOT NULL,
    received_at TEXT NOT NULL, body TEXT NOT NULL, reference TEXT, accepted_at TEXT, UNIQUE (operation, key)
);
CREATE TABLE IF NOT EXISTS calls (
    operation TEXT NOT NULL, status TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (operation, status)
);
CREATE TABLE IF NOT EXISTS faults (number INTEGER PRIMARY KEY, operation TEXT NOT NULL, fault TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mails (
    number INTEGER PRIMARY KEY, message_id TEXT NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL, subject TEXT NOT NULL,
    body TEXT NOT NULL, received_at TEXT NOT NULL
);
"""

#: the tables whose rows an administrator can change, with the name of the field that holds the day
TABLES: Mapping[str, str] = {"app_usage": "stat_date", "training": "exam_date", "performance": "stat_date"}


class Store:
    """One connection behind a lock: a handful of requests at a time is all that the sample company gets."""

    def __init__(self, path: Path, today: dt.date) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        with self._lock, self._db:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(_SCHEMA)
            if self._fact("made") is None:
                self._set_fact("made", today.isoformat())
                self._set_fact("token", secrets.token_urlsafe(24))
                self._set_fact("next_day", (today - dt.timedelta(days=DAYS)).isoformat())
                records = ((e.id, _text(record_of(e, today))) for e in EMPLOYEES.values())
                self._db.executemany("INSERT INTO employees VALUES (?, ?)", records)
        self.extend(today)

    @property
    def token(self) -> str:
        """What a caller must show in `Authorization: Bearer`."""
        return str(self._fact("token"))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def extend(self, today: dt.date) -> None:
        """Write the rows of the days that have passed, up to yesterday."""
        with self._lock, self._db:
            made = dt.date.fromisoformat(str(self._fact("made")))
            day = dt.date.fromisoformat(str(self._fact("next_day")))
            while day < today:
                new = ((t, r["row_id"], r["emp_no"], r["team_code"], day.isoformat(), _text(r)) for t, r in rows_of(day, made))
                self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", new)
                day += dt.timedelta(days=1)
            self._set_fact("next_day", day.isoformat())

    # --- what the EHR serves

    def rows(self, table: str, *, employee: str, team: str, start: str, end: str, page: int, size: int) -> tuple[list[Row], int]:
        """One page of rows, oldest first, and how many there are in all. Empty `employee` or `team` means any."""
        where = "kind = ? AND (? IN ('', emp_no)) AND (? IN ('', team_code)) AND day BETWEEN ? AND ?"
        values = (table, employee, team, start, end)
        total = int(self._one(f"SELECT count(*) FROM rows WHERE {where}", *values)[0])
        found = self._all(
            f"SELECT data FROM rows WHERE {where} ORDER BY day, emp_no, row_id LIMIT ? OFFSET ?", *values, size, (page - 1) * size
        )
        return [json.loads(row["data"]) for row in found], total

    def employee(self, id: str) -> Row | None:
        found = self._one("SELECT data FROM employees WHERE id = ?", id)
        return json.loads(found["data"]) if found else None

    def employees(self) -> list[Row]:
        return [json.loads(row["data"]) for row in self._all("SELECT data FROM employees ORDER BY id")]

    def change(self, table: str, row_id: str, field: str, value: Any) -> bool:
        """Set one field of one row (`a.b` for a nested one). False when there is no such row or field."""
        with self._lock, self._db:
            if table == "employees":
                found = self._one("SELECT data FROM employees WHERE id = ?", row_id)
            else:
                found = self._one("SELECT data FROM rows WHERE kind = ? AND row_id = ?", table, row_id)
            data = json.loads(found["data"]) if found else {}
            *parents, last = field.split(".")
            place = data
            for parent in parents:
                place = place.get(parent) or {}
            if last not in place:
                return False
            place[last] = value
            if table == "employees":
                self._db.execute("UPDATE employees SET data = ? WHERE id = ?", (_text(data), row_id))
            else:
                keys = (str(data["emp_no"]), str(data["team_code"]), str(data[TABLES[table]]))
                self._db.execute(
                    "UPDATE rows SET emp_no = ?, team_code = ?, day = ?, data = ? WHERE kind = ? AND row_id = ?",
                    (*keys, _text(data), table, row_id),
                )
            return True

    # --- what payroll and OA receive

    def attempt(self, operation: str, key: str, body: Any, now: dt.datetime) -> None:
        """Count an attempt; of the body only the first one's is kept."""
        with self._lock, self._db:
            self._db.execute(
                "INSERT INTO pushes (operation, key, attempts, effects, received_at, body) VALUES (?, ?, 1, 0, ?, ?)"
                " ON CONFLICT (operation, key) DO UPDATE SET attempts = attempts + 1",
                (operation, key, now.isoformat(timespec="seconds"), _text(body)),
            )

    def first_body(self, operation: str, key: str) -> Any:
        return json.loads(self._push(operation, key)["body"])

    def effect(self, operation: str, key: str, prefix: str, now: dt.datetime) -> sqlite3.Row:
        """Do what the push asks for, once: a push that already has its reference keeps it."""
        with self._lock, self._db:
            self._db.execute(
                "UPDATE pushes SET effects = effects + 1, reference = ? || printf('-%06d', number), accepted_at = ?"
                " WHERE operation = ? AND key = ? AND reference IS NULL",
                (prefix, now.isoformat(timespec="seconds"), operation, key),
            )
            return self._push(operation, key)

    def find(self, operation: str, reference: str) -> sqlite3.Row | None:
        """An accepted push by its own reference or by the sender's key."""
        return self._one(
            "SELECT * FROM pushes WHERE operation = ? AND ? IN (reference, key) AND reference IS NOT NULL", operation, reference
        )

    def pushes(self) -> list[Row]:
        return [dict(row) | {"body": json.loads(row["body"])} for row in self._all("SELECT * FROM pushes ORDER BY number")]

    def _push(self, operation: str, key: str) -> sqlite3.Row:
        return self._one("SELECT * FROM pushes WHERE operation = ? AND key = ?", operation, key)

    # --- counting and faults

    def count(self, operation: str, status: str) -> None:
        with self._lock, self._db:
            self._db.execute(
                "INSERT INTO calls VALUES (?, ?, 1) ON CONFLICT (operation, status) DO UPDATE SET count = count + 1",
                (operation, status),
            )

    def calls(self) -> list[Row]:
        """How often each operation was called, and with which status it was answered."""
        counted: dict[str, Row] = {}
        for row in self._all("SELECT * FROM calls ORDER BY operation, status"):
            entry = counted.setdefault(row["operation"], {"operation": row["operation"], "calls": 0, "answered": {}})
            entry["calls"] += row["count"]
            entry["answered"][row["status"]] = row["count"]
        return list(counted.values())

    def plan(self, faults: Iterable[tuple[str, str]]) -> None:
        with self._lock, self._db:
            self._db.executemany("INSERT INTO faults (operation, fault) VALUES (?, ?)", faults)

    def planned(self) -> dict[str, list[str]]:
        plans: dict[str, list[str]] = {}
        for row in self._all("SELECT * FROM faults ORDER BY number"):
            plans.setdefault(row["operation"], []).append(row["fault"])
        return plans

    def next_fault(self, operation: str) -> str:
        """Use up the next planned fault of an operation; "" when none is left."""
        with self._lock, self._db:
            found = self._one(
                "DELETE FROM faults WHERE number = (SELECT min(number) FROM faults WHERE operation = ?) RETURNING fault",
                operation,
            )
            return str(found["fault"]) if found else ""

    def forget_faults(self) -> None:
        with self._lock, self._db:
            self._db.execute("DELETE FROM faults")

    # --- mail

    def keep_mail(self, mail: Mapping[str, Any]) -> None:
        with self._lock, self._db:
            self._db.execute(
                "INSERT INTO mails (message_id, sender, recipients, subject, body, received_at)"
                " VALUES (:message_id, :sender, :recipients, :subject, :body, :received_at)",
                {**mail, "recipients": _text(mail["recipients"])},
            )

    def mails(self) -> list[Row]:
        rows = self._all("SELECT * FROM mails ORDER BY number")
        return [dict(row) | {"recipients": json.loads(row["recipients"])} for row in rows]

    # --- reading

    def _one(self, statement: str, *values: Any) -> Any:
        with self._lock:
            return self._db.execute(statement, values).fetchone()

    def _all(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def _fact(self, name: str) -> str | None:
        found = self._one("SELECT value FROM facts WHERE name = ?", name)
        return found["value"] if found else None

    def _set_fact(self, name: str, value: str) -> None:
        self._db.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
