"""Two versions of a procedure, or one and the draft, side by side: diagrams, tables, forms and texts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import render_template, request

from engine.bpmn import render
from engine.bpmn.differences import Change
from engine.bpmn.outline import unreadable
from engine.errors import NotFound, PartwellError
from engine.studio import comparing, drafts
from engine.studio.comparing import FileApart, Side
from forms import FieldView, field_id

from ..accounts import logged_in, me, services
from ..i18n import current
from . import passages
from .addresses import KINDS, studio
from .changes import Told, told

DRAFT = "draft"
#: diagrams first
_ORDER = list(KINDS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileShown:
    """One file as the page shows it."""

    file: FileApart
    #: what changed, each with the id of what it is about
    entries: Sequence[tuple[Change, Told]]
    #: of a diagram: what is only drawn elsewhere, as `entries`
    moved: Sequence[tuple[Change, Told]] = ()
    #: of a diagram: both drawings; empty where there is none
    diagrams: tuple[str, str] = ("", "")
    #: of a form: the components on each side with what became of each
    forms: tuple[Sequence[tuple[str, FieldView]], Sequence[tuple[str, FieldView]]] = ((), ())
    #: of a text: as `passages.passages`
    passages: Sequence[tuple[str, str]] = ()
    #: a side that cannot be read, so that its text is shown
    broken: bool = False


@studio.get("/<procedure>/compare")
@logged_in
def versions_apart(procedure: str) -> Any:
    """`?from=3&to=draft`; without them the draft against the active version, or the active version against the one before."""
    draft = drafts.read(services(), procedure, actor=me().id)
    sides = comparing.sides(services(), procedure, actor=me().id)
    before, after = _asked(sides)
    found = comparing.compare(services(), procedure, before, after, actor=me().id) if sides else None
    return render_template(
        "studio_compare.html",
        draft=draft,
        sides=sides,
        before=before,
        after=after,
        files=[_shown(file) for file in sorted(found.files, key=lambda file: _ORDER.index(file.kind))] if found else [],
    )


def _asked(sides: Sequence[Side]) -> tuple[int | None, int | None]:
    """Numbers of the versions that are compared, None: the draft. Raises NotFound for one that cannot be."""
    given = {"from": _number("from"), "to": _number("to")}
    numbers = [side.number for side in sides]
    for number in given.values():
        if number is not ... and number not in numbers:
            raise NotFound(what="version of the procedure", name=DRAFT if number is None else number)
    active = next((side.number for side in sides if side.active), None)
    if given["to"] is ...:
        given["to"] = None if None in numbers else active if active is not None else (numbers[0] if numbers else None)
    if given["from"] is ...:
        older = [number for number in numbers if number is not None and (given["to"] is None or number < given["to"])]
        given["from"] = active if given["to"] is None and active is not None else older[0] if older else given["to"]
    return given["from"], given["to"]


def _number(name: str) -> Any:
    """None for the draft, `...` where nothing was said."""
    text = request.args.get(name, "").strip()
    if not text:
        return ...
    if text == DRAFT:
        return None
    if not (text.isdecimal() and len(text) < 10):
        raise NotFound(what="version of the procedure", name=text[:20])
    return int(text)


def _shown(file: FileApart) -> FileShown:
    entries = [(change, told(change)) for change in file.changes if change.what != "file"]
    if any(content is not None and unreadable(content, file.path) is not None for content in (file.before, file.after)):
        return FileShown(file=file, entries=[], passages=passages.of(file.before, file.after, file.path), broken=True)
    match file.kind:
        case "bpmn":
            order = ("process", "lane", "element", "flow")  # whoever inserted a step looks for it first
            entries.sort(key=lambda entry: order.index(entry[0].what))
            moved = [(change, told(change)) for change in file.moved]
            return FileShown(file=file, entries=entries, moved=moved, diagrams=_diagrams(file))
        case "dmn":
            laid = {"rule", "column"}
            return FileShown(file=file, entries=[(change, one) for change, one in entries if change.what not in laid])
        case "form":
            return FileShown(file=file, entries=entries, forms=(_form(file.before, file, "removed"), _form(file.after, file, "added")))
        case _:
            return FileShown(file=file, entries=[], passages=passages.of(file.before, file.after, file.path))


def _diagrams(file: FileApart) -> tuple[str, str]:
    """Both drawings: on the older one what was removed, on the newer one what was added, on both what changed or moved."""
    marks: dict[str, dict[str, str]] = {"removed": {}, "added": {}}
    for side, other in (("removed", "added"), ("added", "removed")):
        changed = {change.id: change.how for change in file.changes if change.what != "process" and change.how != other}
        marks[side] = {change.id: "moved" for change in file.moved} | changed
    return _drawing(file.before, marks["removed"]), _drawing(file.after, marks["added"])


def _drawing(content: bytes | None, marks: Mapping[str, str]) -> str:
    return render.svg(content, marks=marks, locale=current()) if content is not None else ""


def _form(content: bytes | None, file: FileApart, alone: str) -> list[tuple[str, FieldView]]:
    """What a form shows to whoever fills it in, each component with what became of it, "" for nothing; `alone`: only on this side."""
    if content is None:
        return []
    how = {change.id: change.how for change in file.changes if change.what == "field"}
    try:
        views = services().forms.view(json.loads(content), {}, permissions={}, locale=current(), record=True)
    except (PartwellError, ValueError, TypeError, KeyError, AttributeError):  # a draft may hold a form that is none yet
        return []
    return [(_became(view, how) if file.how == "changed" else alone, _apart(view, alone)) for view in views]


def _became(view: FieldView, how: Mapping[str, str]) -> str:
    """Of a field by its path, of what holds no value by its id; a group or list counts as changed where something in it is."""
    # a group's own path is the beginning of what lies in it
    around = {each.path.rpartition(".")[0] for each in view.fields if view.kind == "group" and "." in each.path}
    own = next((became for key, became in how.items() if (view.id and view.id == field_id(key)) or key in around), "")
    inner = any(_became(each, how) for each in view.fields) or any(view.path and key.startswith(f"{view.path}.") for key in how)
    return own or ("changed" if inner else "")


def _apart(view: FieldView, side: str) -> FieldView:
    """The same with an id of its own: both forms stand on one page."""
    rows = [dataclasses.replace(row, fields=[_apart(each, side) for each in row.fields]) for row in view.rows]
    inner = [_apart(each, side) for each in view.fields]
    given: dict[str, Any] = {"id": f"{side}-{view.id or view.place}", "rows": rows, "fields": inner, "can_add": False, "can_remove": False}
    return dataclasses.replace(view, **given, absent=False, hidden=False)
