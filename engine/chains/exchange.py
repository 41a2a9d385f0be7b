"""A chain as a file: JSON as it is stored, or CSV with a line for each step, as spreadsheets read it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import FileRefused
from ..ports import Json
from .steps import FIELDS

_LARGEST = 200_000
_CHAIN = ("chain_name", "chain_name_en")
#: cells that a spreadsheet would take for a formula are led by an apostrophe
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def to_json(name: str, name_en: str, steps: Sequence[Mapping[str, Json]]) -> str:
    return json.dumps({"name": name, "name_en": name_en, "steps": list(steps)}, ensure_ascii=False, indent=2) + "\n"


def to_csv(name: str, name_en: str, steps: Sequence[Mapping[str, Json]]) -> str:
    """What is no text is JSON in its cell; begins with the mark by which spreadsheets know UTF-8."""
    file = io.StringIO()
    used = [field for field in FIELDS if any(field in step for step in steps)]
    writer = csv.writer(file)
    writer.writerow([*_CHAIN, *used])
    for step in steps:
        writer.writerow([_cell(name), _cell(name_en), *(_cell(step.get(field)) for field in used)])
    return "\ufeff" + file.getvalue()


def _cell(value: Json) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "'" + text if text.startswith(_FORMULA) else text


def read(name: str, content: bytes) -> dict[str, Any]:
    """{name, name_en, steps} from a file by either name. Raises FileRefused, naming the line; faults of steps are found later."""
    if len(content) > _LARGEST:
        raise FileRefused(file=name, reason="it is larger than 200 kB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(file=name, reason="it is not UTF-8; save it as “CSV UTF-8”") from error
    return _from_csv(name, text) if name.lower().endswith(".csv") else _from_json(name, text)


def _from_json(name: str, text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileRefused(file=name, reason=f"it is not JSON ({error})") from error
    if not isinstance(given, dict) or given.keys() != {"name", "name_en", "steps"}:
        raise FileRefused(file=name, reason="it must have exactly: name, name_en, steps")
    return given


def _from_csv(name: str, text: str) -> dict[str, Any]:
    rows = list(csv.reader(io.StringIO(text)))
    if len(rows) < 2:
        raise FileRefused(file=name, reason="it has no step")
    head = rows[0]
    if unknown := [column for column in head if column not in (*_CHAIN, *FIELDS)]:
        raise FileRefused(file=name, reason=f"line 1: there is no column {unknown[0]}")
    steps, named = [], {"name": "", "name_en": ""}
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        if len(row) != len(head):
            raise FileRefused(file=name, reason=f"line {number}: it has {len(row)} cells instead of {len(head)}")
        cells = dict(zip(head, (cell.removeprefix("'") for cell in row), strict=True))
        named = {"name": cells.pop("chain_name", "") or named["name"], "name_en": cells.pop("chain_name_en", "") or named["name_en"]}
        steps.append({field: _value(name, number, field, cell) for field, cell in cells.items() if cell})
    return {**named, "steps": steps}


def _value(name: str, number: int, field: str, cell: str) -> Json:
    if field not in _JSON:
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise FileRefused(file=name, reason=f"line {number}, {field}: it is not JSON ({error})") from error


_JSON = frozenset(FIELDS) - {"key", "name", "name_en", "when", "mode", "reject", "on_reject", "resubmit", "initiator", "twice", "opinion"}
