"""EHR without an interface: a folder of exports as CSV or workbook (XLSX), read anew at every call."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from connectors.ehr_operations import DESCRIPTIONS
from connectors.options import REQUIRED, Option, overlaid, read_options
from connectors.rows import FIELDS, Asked, read_fields, read_input, read_record, read_rows
from engine.errors import NeedsPerson, SettingWrong, TryAgain
from engine.ports import Answer, Call, Description, Exchange

_FILES = {
    "ehr.employee": "employees",
    "ehr.app_usage": "app_usage",
    "ehr.training": "training",
    "ehr.performance": "performance",
}
_ENCODINGS = ("utf-8-sig", "gb18030")
_LARGEST = 64 * 1024 * 1024
_LARGEST_UNPACKED = 512 * 1024 * 1024


class Table(NamedTuple):
    """An export: its name, SHA-256, and its rows by column name, each with the number of its line."""

    file: str
    digest: str
    rows: list[tuple[int, dict[str, Any]]]


class EhrFiles:
    """Offers the operations of `EhrHttp` with the same inputs and values, from files such as `app_usage.csv` or `.xlsx`.

    The first line holds the company's field names (`contract.start` for a nested one), one record follows per line. CSV is
    UTF-8 or GB18030, lists are separated by semicolons. Errors name file, line and column.
    """

    #: changes nothing at the EHR
    reads: ClassVar[bool] = True
    descriptions: ClassVar[Sequence[Description]] = DESCRIPTIONS
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "folder": Option(str, REQUIRED, "Folder of the exports"),
        "files": Option(dict, {}, "File names without ending by operation, where they differ from the defaults"),
        "fields": Option(dict, {}, "The company's column names by operation and our name"),
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        values = read_options(name, options, self.OPTIONS)
        self.names = tuple(FIELDS)
        self._name = name
        self._folder = Path(values["folder"])
        self._files = overlaid(name, "files", _FILES, values["files"])
        for operation, stem in self._files.items():
            if Path(stem).name != stem:
                raise SettingWrong(setting=f"connectors.{name}.files.{operation}", reason="it must be a file name without folder")
        self._fields = read_fields(name, values["fields"])

    def call(self, call: Call) -> Answer:
        asked = read_input(self._name, call)
        table = self._table(call.operation)
        mine = [(line, row) for line, row in table.rows if self._concerns(row, call.operation, asked)]
        exchange = Exchange(
            system=self._name,
            request={"file": table.file, "sha256": table.digest},
            answer=json.dumps([{"line": line, **row} for line, row in mine], ensure_ascii=False, default=_iso),
        )
        if call.operation == "ehr.employee":
            if len(mine) != 1:
                lines = ", ".join(str(line) for line, _ in mine) or "0"
                raise self._person(call.operation, f"the employee is not in exactly one line: {table.file}, {lines}")
            return Answer(value=read_record(mine[0][1], self._fields, from_text=True), exchanges=[exchange])
        placed = ((f"{table.file}:{line}", row) for line, row in mine)
        reading = read_rows(placed, call.operation, self._fields, asked, from_text=True)
        return Answer(value=reading.value(asked), exchanges=[exchange])

    def check(self) -> list[str]:
        found = []
        for operation in self.names:
            try:
                self._table(operation)
            except (TryAgain, NeedsPerson) as error:
                found.append(str(error.facts["reason"]))
        return found

    def _concerns(self, row: Mapping[str, Any], operation: str, asked: Asked) -> bool:
        """Whether a row is about the employee or, for rows to compare with, about the team."""
        fields = self._fields[operation]
        if str(row.get(fields["employee"].theirs) or "").strip() == asked.employee:
            return True
        return bool(asked.team) and ("team" not in fields or str(row.get(fields["team"].theirs) or "").strip() == asked.team)

    def _table(self, operation: str) -> Table:
        """Raises `TryAgain` when the folder cannot be read, `NeedsPerson` when the file is not what was agreed."""
        stem = self._files[operation]
        try:
            there = [p for p in sorted(self._folder.iterdir()) if p.stem == stem and p.suffix.lower() in (".csv", ".xlsx")]
            if len(there) != 1:
                names = ", ".join(p.name for p in there) or f"{stem}.csv"
                raise self._person(operation, f"{'the file is missing' if not there else 'two files say the same'}: {names}")
            file = there[0]
            if file.stat().st_size > _LARGEST:
                raise self._person(operation, f"the file is too large: {file.name}")
            content = file.read_bytes()
        except OSError as error:
            reason = f"the folder of the exports cannot be read: {self._folder}"
            raise TryAgain(system=self._name, operation=operation, reason=reason) from error
        read = self._csv if file.suffix.lower() == ".csv" else self._xlsx
        lines = read(operation, file.name, content)
        _, header = lines[0] if lines else (1, [])
        columns = [str(cell or "").strip() for cell in header]
        for column in columns:
            if column and columns.count(column) > 1:
                raise self._person(operation, f"a column is there twice: {file.name}, line 1, column {column}")
        for field in self._fields[operation].values():
            if field.presence == "always" and field.theirs not in columns:
                raise self._person(operation, f"a column is missing: {file.name}, line 1, column {field.theirs}")
        rows = []
        for number, cells in lines[1:]:
            if any(cell not in (None, "") for cell in cells[len(columns) :]):
                raise self._person(operation, f"a line has more cells than there are columns: {file.name}, line {number}")
            if any(cell not in (None, "") for cell in cells):
                rows.append((number, {column: cell for column, cell in zip(columns, cells, strict=False) if column}))
        return Table(file.name, hashlib.sha256(content).hexdigest(), rows)

    def _csv(self, operation: str, file: str, content: bytes) -> list[tuple[int, list[Any]]]:
        fault: UnicodeDecodeError | None = None
        for encoding in _ENCODINGS[:1] if content.startswith(codecs.BOM_UTF8) else _ENCODINGS:
            try:
                text = content.decode(encoding)
                break
            except UnicodeDecodeError as error:
                fault = fault or error
        else:
            assert fault is not None
            line = content[: fault.start].count(b"\n") + 1
            column = fault.start - content.rfind(b"\n", 0, fault.start)
            raise self._person(operation, f"the text is neither UTF-8 nor GB18030: {file}, line {line}, byte {column}")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            return [(reader.line_num, cells) for cells in reader]
        except csv.Error as error:
            raise self._person(operation, f"the line is not CSV: {file}, line {reader.line_num}: {error}") from error

    def _xlsx(self, operation: str, file: str, content: bytes) -> list[tuple[int, list[Any]]]:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                if sum(part.file_size for part in packed.infolist()) > _LARGEST_UNPACKED:
                    raise self._person(operation, f"the file is too large: {file}")
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            return [(n, list(cells)) for n, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1)]
        except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, IndexError, SyntaxError) as error:
            raise self._person(operation, f"the file is not a readable workbook: {file}") from error

    def _person(self, operation: str, reason: str) -> NeedsPerson:
        return NeedsPerson(system=self._name, operation=operation, reason=reason)


def _iso(value: dt.date | dt.time) -> str:
    """Dates and times of a workbook, for the snapshot."""
    return value.isoformat()
