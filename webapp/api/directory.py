"""The directory for programs: finding people and departments, and bringing in what a personnel system knows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from engine.errors import FormInvalid, NotAllowed, PartwellError
from engine.people import directory, listing, sheets
from engine.people.importing import Difference, Plan, bring
from engine.people.lines import KINDS, Fault
from engine.people.state import State, state
from engine.ports import DirectoryLine

from .. import directory_files, headings
from .. import people as pages
from ..accounts import me, services
from ..i18n import N_
from .exchange import FILE, PAGES, api, asked, body, declared, download, paged, plain
from .sessions import SEARCH
from .shapes import Day, Files, Flag, Listed, Object, Text

_PERSON = {"id": str, "name": str, "employee_no": str | None, "department_name": str | None, "department_name_en": str | None}
_PERSON |= {"post": str | None, "post_en": str | None, "here": bool, "from_day": dt.date | None, "to_day": dt.date | None}
_NAMED = {"key": str, "name": str, "name_en": str | None}
_ABOUT = {"heads": [str], "groups": [str], "duties": [dict[str, Any]], "reports": [{"id": str, "name": str}]}
_FAULT = {"where": str, "line": int, "column": str, "detail": str}
_DIFFERENCE = {"kind": str, "key": str, "name": str, "act": str, "told": dict[str, Any]}
#: most lines of one request; whoever has more sends files
_MOST = 10_000


class DirectoryChanged(PartwellError):
    """The directory was changed meanwhile. Look at the differences again before you take them over."""

    status = 409


def _administers() -> None:
    if not me().holds("admin"):
        raise NotAllowed(reason="only administrators keep the directory")


def _today() -> State:
    with services().database.reading() as connection:
        return state(connection, pages.today())


@api.get("/people")
@declared(
    scope="read:people",
    asks={
        "search": SEARCH,
        "department": Text(N_("Key of a department; those below it count"), default="", longest=100),
        "role": Text(N_("A role that they hold"), default="", longest=100),
        "state": Text(N_("`here`: work here today; `left`: do not; `all`"), default="here", choices=("here", "left", "all")),
        **PAGES,
    },
    gives={"people": [_PERSON], "total": int},
)
def people_list() -> Any:
    """People of the directory by number, in pages. For administrators."""
    _administers()
    given = asked()
    given["state"] = "" if given["state"] == "all" else given["state"]
    with services().database.reading() as connection:
        rows, total = listing.people(connection, pages.today(), **given)
    return paged({"people": [{**{name: plain(getattr(row, name)) for name in _PERSON}, "here": bool(row.here)} for row in rows]}, total)


@api.get("/people/<person_id>")
@declared(
    scope="read:people",
    gives={"id": str, "here": bool, "columns": dict[str, Any], "superiors": [str], "departments": [_NAMED], **_ABOUT},
)
def person(person_id: str) -> Any:
    """One person: the columns of their line as files have them, who is above them (the direct superior first), and what they hold.

    For administrators."""
    _administers()
    with services().database.reading() as connection:
        found = state(connection, pages.today(), about=person_id)
        key = pages.key_of(found, person_id)
        above = directory.departments(connection, person_id, found.on)
        superiors = directory.superiors(connection, person_id, found.on)
    about = pages.around(found, key)
    return {
        "id": person_id,
        "here": found.here(key),
        "columns": plain(found.lines["persons"][key]),
        "superiors": superiors,
        "departments": [{"key": row.id, "name": row.name, "name_en": row.name_en} for row in above],
        **plain({**about, "reports": [{"id": id, "name": name} for id, name in about["reports"]]}),
    }


@api.get("/departments")
@declared(
    scope="read:people",
    gives={"departments": [{**_NAMED, "parent": str | None, "head": str | None, "depth": int, "members": int}]},
)
def department_list() -> Any:
    """The departments as of today from the top, each above those below it: who heads it, and how many belong to it. For administrators."""
    _administers()
    found = _today()
    members = pages.members(found)
    told = [
        {
            **{name: line[name] for name in ("key", "name", "name_en", "parent")},
            "head": found.ids.get(line["head"] or ""),
            "depth": depth,
            "members": members.get(line["key"], 0),
        }
        for depth, line in pages.tree(found.lines["departments"])
    ]
    return {"departments": told}


@api.get("/directory")
@declared(scope="read:people", gives=FILE)
def export() -> Any:
    """The whole directory as of today as a workbook (XLSX) that can be brought in again. For administrators."""
    _administers()
    return download(directory_files.exported())


@api.post("/directory")
@declared(
    scope="import:people",
    takes={
        "lines": Listed(
            N_("Lines: `kind` (such as persons), and `values` by column as a file has them, several entries separated by semicolons"),
            of=Object(),
            default=[],
            example=[{"kind": "persons", "values": {"employee_no": "KF-017", "name": "林小北", "department": "cs"}}],
        ),
        "files": Files(N_("Files instead: CSV or XLSX, each named as the command `partwell people import` wants it"), default={}),
        "on": Day(N_("Day from which places, heads and posts change; without one today"), default=None, example="2027-01-01"),
        "complete": Flag(N_("Whoever has an employee number and is in no line leaves the day before"), default=False),
        "dry_run": Flag(N_("Only say what would change and what is wrong"), default=False),
        "seen": Text(N_("`seen` of a dry run: nothing is taken over if something else would change by now"), default="", longest=64),
        "note": Text(N_("Why; kept with each change. Needed unless it is a dry run"), default="", longest=1000, example="年初调整"),
    },
    gives={"on": dt.date, "differences": [_DIFFERENCE], "faults": [_FAULT], "seen": str, "stored": bool},
)
def bring_in() -> Any:
    """Bring the directory up to these lines, all of them or none; a dry run says what would change. For administrators."""
    _administers()
    sent = body()
    lines, faults = _lines(sent["lines"]), list[Fault]()
    for name, files in sent["files"].items():
        for file in files:
            found, wrong = sheets.read(file.name or name, file.content, headings.columns(), headings.kinds())
            lines, faults = [*lines, *found], [*faults, *wrong]
    if not lines and not faults:
        raise FormInvalid({"lines": [N_("Send lines or files.")]})
    if not sent["dry_run"] and not sent["note"].strip():
        raise FormInvalid({"note": ["Say why; it is kept with each change."]})
    given = {"by": me().id, "note": sent["note"].strip(), "on": sent["on"], "complete": sent["complete"], "also": faults}
    if sent["dry_run"]:
        return _told(bring(services(), lines, dry_run=True, **given), stored=False)
    if sent["seen"] and directory_files.digest(bring(services(), lines, dry_run=True, **given)) != sent["seen"]:
        raise DirectoryChanged()
    made = bring(services(), lines, **given)
    if made.faults:
        raise FormInvalid({"lines": [": ".join(filter(None, headings.told(fault))) for fault in made.faults[:100]]})
    return _told(made, stored=True)


def _lines(sent: list[dict[str, Any]]) -> list[DirectoryLine]:
    """Raises FormInvalid for what is no line."""
    if len(sent) > _MOST:
        raise FormInvalid({"lines": [N_("Send more lines than 10,000 as a file.")]})
    found = []
    for number, line in enumerate(sent, 1):
        kind, values = line.get("kind"), line.get("values")
        texts = isinstance(values, dict) and all(isinstance(value, str | None) for value in values.values())
        if kind not in KINDS or not texts:
            raise FormInvalid({f"lines[{number - 1}]": [N_("A line has a known kind, and values that are texts or null.")]})
        found.append(DirectoryLine(kind=kind, values=values or {}, number=number))
    return found


def _told(made: Plan, *, stored: bool) -> dict[str, Any]:
    return {
        "on": made.on.isoformat(),
        "differences": [_difference(one) for one in made.differences],
        "faults": [{"where": one.where, "line": one.line, "column": one.column, "detail": headings.told(one)[1]} for one in made.faults],
        "seen": directory_files.digest(made),
        "stored": stored,
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {name: plain(getattr(one, name)) for name in _DIFFERENCE}
