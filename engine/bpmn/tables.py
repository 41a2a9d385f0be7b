"""Two versions of the decision tables of a file laid over each other: columns, rules and cells, each before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lxml import etree

from .reader import read_xml


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of either table."""

    #: `input` or `output`
    part: str
    #: what stands above it: its label, or its expression or name; before and after, None: it is not there
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One rule of either table."""

    #: `added`, `removed`, `changed`, `moved` to another place, or `same`
    how: str
    #: which row it is, from 1; None: it is not there
    before: int | None
    after: int | None
    #: for each column the cell before and after; None where rule or column is not there
    cells: Sequence[tuple[str | None, str | None]]


@dataclass(frozen=True, kw_only=True)
class Laid:
    """One decision's table over its earlier self."""

    id: str
    name: str
    columns: Sequence[Column]
    rows: Sequence[Row]


@dataclass(frozen=True)
class _Table:
    name: str
    #: id -> part and heading
    columns: Mapping[str, tuple[str, str]]
    #: id -> cells by the id of their column
    rules: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def laid(before: bytes | None, after: bytes | None) -> list[Laid]:
    """The tables of which something differs, in the order of the newer file; None: the file is not there. Raises `errors.FileRefused`."""
    old, new = _tables(before), _tables(after)
    found = [(id, old.get(id), new.get(id)) for id in (*new, *(id for id in old if id not in new))]
    return [_over(id, was or _NONE, now or _NONE) for id, was, now in found if not _same(was, now)]


def _same(old: _Table | None, new: _Table | None) -> bool:
    """Also in the order of columns and rules, which mappings do not compare."""
    return old == new and (old is None or new is None or [*old.rules, *old.columns] == [*new.rules, *new.columns])


_NONE = _Table("", {}, {})


def _over(id: str, old: _Table, new: _Table) -> Laid:
    keys = _together(old.columns, new.columns)
    keys = [key for part in ("input", "output") for key in keys if (new.columns.get(key) or old.columns[key])[0] == part]
    columns = [
        Column(part=(new.columns.get(key) or old.columns[key])[0], before=_heading(old, key), after=_heading(new, key)) for key in keys
    ]
    was, now = ({rule: number for number, rule in enumerate(table.rules, 1)} for table in (old, new))
    stays = [rule for rule in new.rules if rule in was]
    in_order = [rule for rule in old.rules if rule in now]
    elsewhere = {rule for rule, other in zip(stays, in_order, strict=True) if rule != other}
    rows = []
    for rule in _together(old.rules, new.rules):
        cells = [(old.rules.get(rule, {}).get(key), new.rules.get(rule, {}).get(key)) for key in keys]
        if rule not in was:
            how = "added"
        elif rule not in now:
            how = "removed"
        elif any(one != other for one, other in cells):
            how = "changed"
        else:
            how = "moved" if rule in elsewhere else "same"
        rows.append(Row(how=how, before=was.get(rule), after=now.get(rule), cells=cells))
    return Laid(id=id, name=new.name or old.name, columns=columns, rows=rows)


def _heading(table: _Table, column: str) -> str | None:
    return table.columns[column][1] if column in table.columns else None


def _together(old: Iterable[str], new: Iterable[str]) -> list[str]:
    """The newer order, with what was taken away after what it stood behind."""
    found, kept = list(new), set(new)
    place = 0
    for key in old:
        if key in kept:
            place = found.index(key) + 1
        else:
            found.insert(place, key)
            place += 1
    return found


def _tables(content: bytes | None) -> dict[str, _Table]:
    if content is None:
        return {}
    root = read_xml(content, "decisions")
    decisions = [node for node in root.iter("{*}decision") if node.find("{*}decisionTable") is not None]
    return {node.get("id") or node.get("name", ""): _read(node, node.find("{*}decisionTable")) for node in decisions}


def _read(decision: etree._Element, table: etree._Element) -> _Table:
    columns: dict[str, tuple[str, str]] = {}
    for part in ("input", "output"):
        for number, column in enumerate(table.iterfind(f"{{*}}{part}"), 1):
            heading = column.get("label") or column.findtext("{*}inputExpression/{*}text") or column.get("name") or decision.get("name", "")
            columns[column.get("id") or f"{part} {number}"] = (part, " ".join(heading.split()))
    rules = {}
    for number, rule in enumerate(table.iterfind("{*}rule"), 1):
        entries = [*rule.iterfind("{*}inputEntry"), *rule.iterfind("{*}outputEntry")]
        cells = [(entry.findtext("{*}text") or "").strip() for entry in entries]
        rules[rule.get("id") or f"rule {number}"] = dict(zip(columns, cells, strict=False))
    return _Table(decision.get("name", ""), columns, rules)
