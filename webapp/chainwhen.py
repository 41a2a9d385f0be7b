"""The condition of a step as rows of field, comparison and value, written as FEEL and read back from it.

Rows are joined by `and`. What is not finished, or is no value of its field, stands behind `…`: it is kept and shown again, and as
no expression can be read with it, it is never published. A condition that is no such list of rows is left as FEEL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from engine.errors import Sentence
from engine.ports import Json

from .chainfields import Known
from .i18n import N_, gettext

#: comparison -> what it is called
OPERATORS: Mapping[str, str] = {
    ">": N_("is more than"),
    ">=": N_("is at least"),
    "<": N_("is less than"),
    "<=": N_("is at most"),
    "=": N_("is"),
    "!=": N_("is not"),
}
#: kinds whose values have an order
ORDERED = ("number", "money", "digits", "date")
#: what stands before a value that is none (yet)
_OPEN = "…"
_PATH = r"([^\W\d]\w*(?:\.[^\W\d]\w*)*)"
_AMONG = re.compile(rf'(not\()?list contains\({_PATH}, (".*"|{_OPEN}.*?)\)(?(1)\))')
_COMPARED = re.compile(rf"(?:(number|date)\({_PATH}\)|{_PATH}) (>=|<=|!=|=|>|<) (.+)")
_VALUE = re.compile(r'(?:(yuan|date)\()?("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false)(?(1)\))')
_AND = re.compile(r'("(?:[^"\\]|\\.)*")|( and )')
_YES = {"true": "true", "false": "false", "是": "true", "否": "false", "yes": "true", "no": "false"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison, as it is shown and typed."""

    path: str
    operator: str
    #: as typed: yuan for money, the key of a department, the value of a choice, `true` or `false`
    value: str


class Conditions:
    """Reads and writes conditions with what is known of their fields."""

    def __init__(self, known: Sequence[Known], departments: Mapping[str, str]) -> None:
        """`departments`: key -> name, in the reader's language."""
        self.known = {one.path: one for one in known}
        self.departments = departments

    def options(self, path: str) -> list[tuple[str, str]]:
        """What the value of a field is chosen from; empty where it is typed."""
        match self.kind(path):
            case "yes_no":
                return [("true", gettext("yes")), ("false", gettext("no"))]
            case "department" | "below":
                return list(self.departments.items())
            case "choice" | "several":
                return list(self.known[path].options)
        return []

    def operators(self, path: str) -> list[str]:
        """The comparisons that make sense for a field."""
        kind = self.kind(path)
        return [key for key in OPERATORS if key in ("=", "!=") or not kind or kind in ORDERED]

    def kind(self, path: str) -> str:
        """The kind of a field; of one that nobody knows its name tells whether it is money, and its value the rest ("")."""
        known = self.known.get(path)
        return known.kind if known else "money" if path.endswith("_fen") else ""

    def label(self, path: str) -> str:
        known = self.known.get(path)
        if known is None:
            return path
        return f"{known.where} · {known.label}" if path.startswith(("subject.", "initiator.")) else known.label

    # --- FEEL from rows

    def written(self, rows: Sequence[Row]) -> str:
        return " and ".join(self._written(row) for row in rows)

    def _written(self, row: Row) -> str:
        kind = self.kind(row.path)
        value = self._value(kind, row)
        if kind in ("several", "below"):
            found = f"list contains({row.path}, {value})"
            return f"not({found})" if row.operator == "!=" else found
        left = {"digits": f"number({row.path})", "date": f"date({row.path})"}.get(kind, row.path)
        return f"{left} {row.operator} {value}"

    def _value(self, kind: str, row: Row) -> str:
        text = row.value.strip()
        if not text or (row.operator not in ("=", "!=") and kind and kind not in ORDERED):
            return _OPEN + text
        number = _number(text)
        match kind:
            case "money":
                return _OPEN + text if number is None else f"yuan({number})"
            case "number" | "digits":
                return _OPEN + text if number is None else number
            case "date":
                return f"date({_quoted(text)})" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else _OPEN + text
            case "yes_no":
                return _YES.get(text.lower(), _OPEN + text)
            case "choice" | "several" | "department" | "below":
                options = dict(self.options(row.path))
                meant = text if text in options else next((key for key, name in options.items() if name == text), None)
                return _OPEN + text if meant is None else _quoted(meant)
            case "text":
                return _quoted(text)
        return number if number is not None else text if text in ("true", "false") else _quoted(text)

    # --- rows from FEEL

    def rows(self, text: str) -> list[Row] | None:
        """The rows that a condition consists of; None where it says more than rows can."""
        if not text.strip():
            return []
        found = [self._row(part) for part in _parts(text)]
        rows = [row for row in found if row]
        return rows if len(rows) == len(found) and self.written(rows) == text.strip() else None

    def asked(self, conditions: Iterable[Json]) -> list[str]:
        """Names of the fields, other than of people, that the rows of any of the conditions compare."""
        rows = [row for text in conditions for row in self.rows(str(text)) or ()]
        return list(dict.fromkeys(row.path for row in rows if row.path.split(".")[0] not in ("subject", "initiator")))

    def value(self, path: str, text: str) -> Json:
        """What is typed for a field, as a case would hold it; None for what is none of its values."""
        kind, number = self.kind(path), _number(text)
        if kind == "money":
            return None if number is None else int(Decimal(number) * 100)
        if kind in ("number", "digits"):
            return None if number is None else number if kind == "digits" else json.loads(number)
        if kind == "yes_no":
            return {"true": True, "false": False}.get(_YES.get(text.lower(), ""))
        if kind in ("choice", "several", "department"):
            found = next((key for key, name in self.options(path) if text in (key, name)), None)
            return [found] if kind == "several" and found is not None else found
        if kind == "":
            return json.loads(number) if number is not None else {"true": True, "false": False}.get(text, text)
        return text

    def _row(self, part: str) -> Row | None:
        if among := _AMONG.fullmatch(part):
            value = _plain(among[3])
            return None if value is None else Row(path=among[2], operator="!=" if among[1] else "=", value=value)
        compared = _COMPARED.fullmatch(part)
        value = _plain(compared[5]) if compared else None
        return Row(path=compared[2] or compared[3], operator=compared[4], value=value) if compared and value is not None else None

    def missing(self, text: str) -> list[Sentence]:
        """What is wrong with the values of the rows of a condition, for whoever types them."""
        return [self._missing(row) for row in self.rows(text) or () if _OPEN in self._written(row)]

    def _missing(self, row: Row) -> Sentence:
        kind, field = self.kind(row.path), self.label(row.path)
        if not row.value.strip():
            return Sentence(N_("“{field}”: say what it is compared with"), {"field": field})
        if row.operator not in ("=", "!=") and kind not in ORDERED:
            return Sentence(N_("“{field}” has no order; compare it with “is” or “is not”"), {"field": field})
        if kind == "date":
            return Sentence(N_("“{field}”: “{value}” is no day, such as 2026-12-01"), {"field": field, "value": row.value})
        if kind in ORDERED:
            return Sentence(N_("“{field}”: “{value}” is no number"), {"field": field, "value": row.value})
        return Sentence(N_("“{field}”: there is no “{value}” to choose"), {"field": field, "value": row.value})

    def told(self, text: str) -> str:
        """A condition as people read it; FEEL where it is no list of rows, "" without one."""
        rows = self.rows(text)
        if rows is None:
            return text
        return gettext(" and ").join(self._told(row) for row in rows)

    def shown(self, text: str) -> str:
        """As `told`, for a page: FEEL that is no list of rows as code."""
        return Markup("<code>{}</code>").format(text) if self.rows(text) is None else self.told(text)

    def _told(self, row: Row) -> str:
        value = dict(self.options(row.path)).get(row.value, row.value)
        if self.kind(row.path) in ("money", "number", "digits") and (number := _number(value)):
            value = f"{Decimal(number):,f}"
        if self.kind(row.path) == "money":
            value = gettext("%(amount)s yuan", amount=value)
        return gettext(
            "%(field)s %(comparison)s %(value)s", field=self.label(row.path), comparison=gettext(OPERATORS[row.operator]), value=value
        )


def _number(text: str) -> str | None:
    """A number as people type it: 50,000, 50000 元, 5万."""
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)(万?)元?", re.sub(r"[,，\s¥￥]", "", text))
    if not found or len(text) > 30:
        return None
    number = Decimal(found[1]) * (10_000 if found[2] else 1)
    return f"{number.normalize():f}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _plain(text: str) -> str | None:
    """What a value shows; None for what is no value."""
    if text.startswith(_OPEN):
        return text.removeprefix(_OPEN)
    found = _VALUE.fullmatch(text)
    if not found:
        return None
    try:
        return str(json.loads(found[2])) if found[2].startswith('"') else found[2]
    except ValueError:
        return None


def _parts(text: str) -> list[str]:
    """What stands between `and`s that are not inside of quotes."""
    parts = [""]
    for piece in _AND.split(text.strip()):
        if piece == " and ":
            parts.append("")
        else:
            parts[-1] += piece or ""
    return parts
