"""A directory as files: CSV, one kind of line each, or a workbook (XLSX) with a sheet for each kind.

The first line names the columns as in `lines.column`, or as an export in some language does. A cell that holds several entries
separates them by semicolons. CSV is UTF-8, UTF-16 or GB18030. Formulas are refused: what they would give is not in the file.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from ..errors import FileEmpty, FileRefused, FileTooLarge
from ..ports import DirectoryLine
from . import lines as shape
from .lines import ID, KINDS, UNKNOWN_COLUMN, Column, Fault
from .state import Lines

_LARGEST, _LARGEST_UNPACKED = 32, 256  # MB
_MOST_LINES = 200_000
FORMULA = "this is a formula; put the value itself there"
NO_KIND = "what the lines are cannot be told from the name or the columns; name it {kinds}"
NO_TEXT = "it is neither UTF-8 nor GB18030 text; save it again as CSV UTF-8"
NO_WORKBOOK = "it is no workbook that can be read; save it again as XLSX, without a password"
TOO_MANY = "it has more than {limit} lines; split it"


def read(
    name: str, content: bytes, columns: Mapping[str, str] = {}, kinds: Mapping[str, str] = {}
) -> tuple[list[DirectoryLine], list[Fault]]:
    """The lines of a file, and the faults that keep some from being read.

    `columns`, `kinds`: what they are called in other languages -> their own name. Raises FileEmpty, FileTooLarge, FileRefused.
    """
    if not content:
        raise FileEmpty(name=name)
    if len(content) > _LARGEST * 1024 * 1024:
        raise FileTooLarge(name=name, size=len(content) // 1024 // 1024, limit=_LARGEST)
    sheets = _workbook(name, content) if content[:2] == b"PK" else [("", _table(name, content))]
    found, faults = list[DirectoryLine](), list[Fault]()
    for title, rows in sheets:
        where = f"{name} {title}".strip()
        lines, wrong = _lines(title or name.rpartition("/")[2].rpartition(".")[0], where, rows, columns, kinds)
        found += lines
        faults += wrong
        if len(found) > _MOST_LINES:
            raise FileRefused(file=name, reason=TOO_MANY.format(limit=_MOST_LINES))
    return found, faults


_Cell = tuple[Any, bool]


def _lines(
    title: str, where: str, rows: Iterable[tuple[int, Sequence[_Cell]]], called: Mapping[str, str], titles: Mapping[str, str]
) -> tuple[list[DirectoryLine], list[Fault]]:
    rows = iter(rows)
    _, header = next(((number, row) for number, row in rows if any(value not in (None, "") for value, _ in row)), (0, ()))
    columns = [_known(str(value or ""), called) for value, _ in header]
    if not any(columns):
        return [], []
    kind = _kind(title, columns, titles)
    if kind is None:
        return [], [Fault(template=NO_KIND, facts={"kinds": ", ".join(KINDS)}, where=where)]
    known = {column for column in columns if shape.column(kind, column)}
    unknown = [column for column in columns if column and column not in known]
    faults = [Fault(template=UNKNOWN_COLUMN, facts={"text": column[:40]}, where=where, line=1) for column in unknown]
    found = []
    for number, row in rows:
        values = {}
        for column, (value, formula) in zip(columns, row, strict=False):
            if column in known and formula:
                faults.append(Fault(template=FORMULA, where=where, line=number, column=column))
            elif column in known:
                values[column] = value
        if any(value not in (None, "") for value in values.values()):
            found.append(DirectoryLine(kind=kind, values=values, where=where, number=number))
    return found, faults


def _known(text: str, names: Mapping[str, str]) -> str:
    plain = text.strip().strip("*").strip()
    if plain.lower().startswith(ID):  # the name of a service stays as it is
        return ID + plain[len(ID) :].strip()
    return names.get(plain, plain.lower().replace(" ", "_"))


def _kind(title: str, columns: Sequence[str], titles: Mapping[str, str]) -> str | None:
    """By the title, else by the columns where they fit one kind better than any other."""
    if (named := _known(title, titles)) in KINDS:
        return named
    given = set(filter(None, columns))
    fits = {kind: len(given & {c.name for c in own}) for kind, own in KINDS.items() if {c.name for c in own if c.needed} <= given}
    best = [kind for kind, count in fits.items() if count == max(fits.values())]
    return best[0] if len(best) == 1 else None


def _table(name: str, content: bytes) -> Iterator[tuple[int, Sequence[_Cell]]]:
    text = _text(name, content)
    first = text.partition("\n")[0]
    delimiter = max(",", ";", "\t", key=lambda sign: (first.count(sign), sign == ","))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            # an apostrophe keeps a spreadsheet from taking a text for a formula
            cells = [(cell[1:] if cell[:1] == "'" and cell[1:2] in _SIGNS else cell, cell.startswith("=")) for cell in row]
            yield reader.line_num, cells
    except csv.Error as error:
        raise FileRefused(file=name, reason=f"line {reader.line_num}: {error}") from error


_SIGNS = ("=", "+", "-", "@")


def _text(name: str, content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise FileRefused(file=name, reason=NO_TEXT)


def _workbook(name: str, content: bytes) -> Iterator[tuple[str, Iterable[tuple[int, Sequence[_Cell]]]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _LARGEST_UNPACKED * 1024 * 1024:
                raise FileTooLarge(name=name, size=f"> {_LARGEST_UNPACKED}", limit=_LARGEST_UNPACKED)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, SyntaxError) as error:
        raise FileRefused(file=name, reason=NO_WORKBOOK) from error
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what a file says of its size may be wrong
            yield sheet.title, _cells(name, sheet)
    finally:
        book.close()


def _cells(name: str, sheet: Any) -> Iterator[tuple[int, Sequence[_Cell]]]:
    try:
        for number, row in enumerate(sheet.iter_rows(), 1):
            yield number, [(_plain(cell.value), cell.data_type == "f") for cell in row]
    except (ValueError, KeyError, SyntaxError, zipfile.BadZipFile) as error:
        raise FileRefused(file=name, reason=NO_WORKBOOK) from error


def _plain(value: Any) -> Any:
    """As it would stand in a CSV file: a number that is whole has no decimal point."""
    if isinstance(value, bool) or value is None:
        return value if value is None else "yes" if value else "no"
    if isinstance(value, dt.datetime | dt.date):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


# --- out


def csv_file(kind: str, lines: Lines, called: Mapping[str, str] = {}, systems: Sequence[str] = ()) -> bytes:
    """The lines of a kind as CSV, UTF-8 with a mark that spreadsheets know; `called`: headings by column, `systems`: outside services
    whose ids have a column in any case."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for row in _rows(kind, lines, called, systems):
        writer.writerow([f"'{cell}" if cell.startswith(_SIGNS) else cell for cell in map(str, row)])
    return codecs.BOM_UTF8 + out.getvalue().encode()


def workbook(lines: Lines, called: Mapping[str, str] = {}, titles: Mapping[str, str] = {}, systems: Sequence[str] = ()) -> bytes:
    """Every kind as a sheet of a workbook; `called`, `systems`: as in `csv_file`, `titles` by kind."""
    book = openpyxl.Workbook(write_only=True)
    for kind in KINDS:
        sheet = book.create_sheet(titles.get(kind, kind))
        for row in _rows(kind, lines, called, systems):
            cells = []
            for value in row:
                cell = openpyxl.cell.WriteOnlyCell(sheet, value=str(value))
                cell.data_type = "s"  # a text that begins like a formula stays a text
                cells.append(cell)
            sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _rows(kind: str, lines: Lines, called: Mapping[str, str], systems: Sequence[str]) -> Iterator[list[str]]:
    columns = shape.columns(kind, lines[kind].values(), systems)
    yield [called.get(each.name, each.name) for each in columns]
    for line in lines[kind].values():
        yield [_cell(each, line.get(each.name), line) for each in columns]


def _cell(each: Column, value: Any, line: Mapping[str, Any]) -> str:
    if value is None:
        return ""
    if each.kind == "list":
        return ";".join(_shown(each, entry) for entry in value)
    if each.kind == "flag":
        return "yes" if value else "no"
    if each.kind == "day":
        return str(value.isoformat())
    return _shown(each, str(value)) if each.of != "scope" or line["scope"] == "person" else str(value)


def _shown(each: Column, key: str) -> str:
    """A person without an employee number is named by the login."""
    return key.removeprefix("login:") if each.of in ("persons", "scope") else key
