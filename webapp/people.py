"""人员: the directory for administrators: people, departments, groups, duties, and what was changed."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

from engine.errors import FormInvalid, IdsChanged, NotAllowed, NotFound
from engine.notices import identities
from engine.people import absences, directory, listing, log
from engine.people.importing import Plan, bring
from engine.people.lines import KINDS, NEEDED, NO_DAY, Fault
from engine.people.state import State, duty_key, empty, state
from engine.ports import DirectoryLine
from engine.work import belongings

from . import directory_form as forms
from . import headings
from .accounts import logged_in, me, services
from .choosing import Pick, pick
from .i18n import N_, error_text, gettext
from .inbox import page_number, search_words
from .text import called

people = Blueprint("people", __name__, url_prefix="/people")
PAGE = 30
#: acts of the directory's events
ACTS = {"new": N_("new"), "changed": N_("changed"), "leaving": N_("leaving"), "added": N_("added"), "ended": N_("ended")}

#: what usual duties are called; any other is called as it was entered
DUTIES = {"hrbp": N_("HR business partner"), "counsel": N_("Counsel"), "social_insurance": N_("Social insurance"), "payroll": N_("Payroll")}

#: what usual systems with names of their own for people are called; any other is called as it was entered
SYSTEMS = {"dingtalk": N_("DingTalk"), "wecom": N_("WeCom"), "feishu": N_("Feishu")}

P, R = ParamSpec("P"), TypeVar("R")


def administered(view: Callable[P, R]) -> Callable[P, R | Response]:
    """A page for administrators."""

    @logged_in
    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not me().holds("admin"):
            raise NotAllowed(reason="only administrators keep the directory")
        return view(*args, **kwargs)

    return guarded


def today() -> dt.date:
    return directory.day(services().clock.now())


def state_on(on: dt.date | None = None) -> State:
    with services().database.reading() as connection:
        return state(connection, on or today())


# --- people


@people.get("")
@administered
def index() -> Any:
    chosen = {name: request.args.get(name, "")[:100] for name in ("department", "role")} | {"state": request.args.get("state", "here")}
    search, page = search_words(), page_number()
    with services().database.reading() as connection:
        rows, total = listing.people(connection, today(), search=search, page=page, size=PAGE, **chosen)
        roles = listing.roles(connection)
        units = tree(listing.departments(connection))
    shown = {"rows": rows, "total": total, "page": page, "size": PAGE, "search": search, "chosen": chosen, "roles": roles, "units": units}
    return render_template("people.html", **shown)


@people.get("/person/<person_id>")
@administered
def person(person_id: str) -> Any:
    return _person(person_id, {})


@people.post("/person/<person_id>/ids")
@administered
def keep_ids(person_id: str) -> Any:
    """What outside systems call the person, each in a field named after the system."""
    with services().database.reading() as connection:
        known = identities.systems(services(), connection)
    ids = {system: request.form[f"id-{system}"].strip()[:300] for system in known if f"id-{system}" in request.form}
    try:
        other = identities.keep(services(), person_id, ids, by=me().id, seen=request.form.get("seen", ""))
    except IdsChanged as changed:
        flash(error_text(changed), "danger")
        return _person(person_id, {}, unsaved=ids), changed.status
    except FormInvalid as invalid:
        return _person(person_id, {system: [gettext(text) for text in texts] for system, texts in invalid.fields.items()}, typed=ids), 422
    flash(gettext("Saved.") if other else gettext("Nothing was different."), "success" if other else "info")
    return redirect(url_for("people.person", person_id=person_id))


def _person(person_id: str, errors: Mapping[str, list[str]], typed: Mapping[str, str] = {}, unsaved: Mapping[str, str] = {}) -> Any:
    """`typed`: ids that stand in their fields; `unsaved`: such that are only told beside what is stored by now."""
    with services().database.reading() as connection:
        found = state(connection, today(), about=person_id)
        key = key_of(found, person_id)
        line = found.lines["persons"][key]
        planned = listing.planned(connection, found.on, person=person_id)
        above = directory.departments(connection, person_id, found.on)
        substitutes = absences.rows(connection, services().clock.now(), person=person_id)
        events, _ = log.events(connection, ref=person_id, size=20)
        shown = directory.display(connection, person_id, found.on)
        kept = identities.of(connection, person_id)
        ids = {system: typed.get(system, kept.get(system, "")) for system in identities.systems(services(), connection)}
    errors = {**errors, **{system: [_stood(id)] for system, id in unsaved.items() if id != ids[system]}}
    manager = line["manager"]
    return render_template(
        "people_person.html",
        person=shown,
        key=key,
        line=line,
        here=found.here(key),
        above=list(reversed(above)),
        manager=(found.ids[manager], found.name("persons", manager)) if manager else None,
        **around(found, key),
        planned=planned,
        substitutes=substitutes,
        events=events,
        directory=found,
        ids=ids,
        seen=identities.mark(kept),
        id_errors=errors,
        systems=SYSTEMS,
    )


def _stood(id: str) -> str:
    return gettext("Your page had %(id)s, which was not saved.", id=id) if id else gettext("Your page had none, which was not saved.")


def key_of(found: State, person_id: str) -> str:
    """Raises NotFound."""
    key = next((key for key, id in found.ids.items() if id == person_id), None)
    if key is None:
        raise NotFound(what="person", name=person_id)
    return key


def around(found: State, key: str) -> dict[str, Any]:
    """Keys of the departments that a person heads and of their groups, lines of their duties, and who reports to them (id, name)."""
    return {
        "heads": [unit["key"] for unit in found.lines["departments"].values() if unit["head"] == key],
        "groups": [group["key"] for group in found.lines["groups"].values() if key in group["members"]],
        "duties": [duty for duty in found.lines["duties"].values() if duty["person"] == key],
        "reports": [(found.ids[other], each["name"]) for other, each in found.lines["persons"].items() if each["manager"] == key],
    }


# --- departments, groups, duties and what else there is


def tree(units: Mapping[str, dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Departments from the top, each with how deep it lies. What lies in a circle comes last, so that it can be mended."""
    below: dict[str | None, list[str]] = {}
    for key, unit in units.items():
        below.setdefault(unit["parent"], []).append(key)
    order: dict[str, int] = {}

    def walk(key: str, depth: int) -> None:
        if key not in order:
            order[key] = depth
            for each in below.get(key, ()):
                walk(each, depth + 1)

    for key in [*below.get(None, ()), *units]:
        walk(key, 0)
    return [(depth, units[key]) for key, depth in order.items()]


def members(found: State) -> dict[str, int]:
    """How many belong to each department, whether first of all or beside others."""
    counted: dict[str, int] = {}
    for key, line in found.lines["persons"].items():
        for unit in {line["department"], *line["others"]} if found.here(key) else ():
            counted[unit] = counted.get(unit, 0) + 1
    return counted


@people.get("/departments")
@administered
def departments() -> Any:
    found = state_on()
    return render_template("people_departments.html", tree=tree(found.lines["departments"]), members=members(found), directory=found)


@people.get("/lists/<kind>")
@administered
def lists(kind: str) -> Any:
    if kind not in ("groups", "duties", "posts", "entities", "regions"):
        raise NotFound(what="list", name=kind)
    found = state_on()
    held: dict[str, int] = {}
    column = {"posts": "posts", "entities": "entity", "regions": "region"}.get(kind, "")
    for line in found.lines["persons"].values() if column else ():
        for key in line[column] if isinstance(line[column], tuple) else (line[column],):
            held[key] = held.get(key, 0) + 1
    return render_template("people_list.html", kind=kind, lines=found.lines[kind], held=held, directory=found)


# --- changing one line


@people.route("/edit/<kind>", methods=["GET", "POST"])
@administered
def edit(kind: str) -> Any:
    """A new line, or with `key` in the address a known one."""
    if kind not in KINDS:
        raise NotFound(what="list", name=kind)
    key, faults, holds = request.args.get("key", ""), list[Fault](), 0
    searching = request.form.get("do") == "find"
    on, day_fault = day_of(request.form.get("on", ""))
    found = state_on(on)
    if key and key not in found.lines[kind]:
        raise NotFound(what="line of the directory", name=key)
    line = found.lines[kind][key] if key else empty(kind)
    if request.method == "POST" and not searching:
        note = request.form.get("note", "").strip()[:1000]
        said = forms.values(kind, found, request.form, new=not key)
        if key:
            said |= _identity(kind, key, line)
        faults = [] if note else [Fault(template=NEEDED, column="note")]
        faults += [Fault(template=NO_DAY, facts={"text": day_fault}, column="on")] if day_fault else []
        holds = _holds(found, key) if kind == "persons" and line["active"] and said.get("active") == "no" else 0
        holds = 0 if request.form.get("anyway") else holds
        if not faults:
            made = bring(services(), [DirectoryLine(kind=kind, values=said)], by=me().id, note=note, on=on, dry_run=bool(holds))
            if not made.faults and not holds:
                flash(
                    gettext("Saved.") if made.differences else gettext("Nothing was different."), "success" if made.differences else "info"
                )
                return redirect(_back(kind, key, found, made))
            faults = list(made.faults)
    with services().database.reading() as connection:
        roles = listing.roles(connection)
    typed = request.form if request.method == "POST" else None
    fields = forms.fields(kind, found, line, typed, new=not key, roles=roles)
    page = render_template(
        "people_edit.html",
        kind=kind,
        key=key,
        called=_called(found, kind, key),
        fields=fields,
        picks=_picks(fields, found.ids.get(key) if kind == "persons" else None),
        faults=_by_field(faults, {each.name for each in KINDS[kind]}),
        on=request.form.get("on", "") or found.on.isoformat(),
        note=request.form.get("note", ""),
        more=request.form.get("roles_more", ""),
        back=_back(kind, key, found),
        holds=holds,
        person=found.ids[key] if holds else "",
    )
    return (page, 422) if faults or holds else page


def _picks(fields: Sequence[forms.Field], own: str | None) -> dict[str, Pick]:
    """What the page needs of each field for people. `own`: id of the person whose line it is, who stands in no field of it."""
    found = {}
    for each in fields:
        if each.kind in ("person", "people", "place") and not each.fixed:
            chosen = [each.value] if each.kind == "place" else each.value
            found[each.name] = pick(each.name, chosen, but=[own] if own else [], many=each.kind == "people")
    return found


def _holds(found: State, key: str) -> int:
    """How much of what a known person holds would have to go to somebody else."""
    if key not in found.ids:
        return 0
    with services().database.reading() as connection:
        return belongings.count(services(), connection, found.ids[key])


def day_of(text: str) -> tuple[dt.date | None, str]:
    """The day that was typed, and the text where it is none."""
    try:
        return (dt.date.fromisoformat(text) if text else None), ""
    except ValueError:
        return None, text[:40]


def _identity(kind: str, key: str, line: dict[str, Any]) -> dict[str, Any]:
    """What tells a known line, whatever the form says."""
    if kind == "persons":
        return {"employee_no": line["employee_no"]} if line["employee_no"] else {"login": line["login"]}
    if kind == "duties":
        return {name: str(line[name] or "").removeprefix("login:") for name in ("duty", "person", "scope", "ref")}
    return {"key": key}


def _called(found: State, kind: str, key: str) -> str:
    if not key:
        return ""
    return called(DUTIES, found.lines[kind][key]["duty"]) if kind == "duties" else forms.named(found, kind, key)


def _by_field(faults: list[Fault], known: set[str]) -> dict[str, list[str]]:
    """Sentences by field, "" for those about no field of the page."""
    told: dict[str, list[str]] = {}
    for fault in faults:
        field = fault.column if fault.column in known | {"on", "note"} else ""
        where, what = headings.told(fault)
        told.setdefault(field, []).append(what if field or not where else f"{where}{gettext(': ')}{what}")
    return told


def _back(kind: str, key: str, found: State, made: Plan | None = None) -> str:
    if kind == "persons":
        ids = made.ids if made else found.ids
        key = key or next((each.key for each in made.differences), "") if made else key
        return url_for("people.person", person_id=ids[key]) if key in ids else url_for("people.index")
    return url_for("people.departments") if kind == "departments" else url_for("people.lists", kind=kind)


# --- what was changed


@people.get("/changes")
@administered
def changes() -> Any:
    page = page_number()
    with services().database.reading() as connection:
        events, total = log.events(connection, page=page, size=PAGE)
        planned = listing.planned(connection, today())
    return render_template("people_changes.html", events=events, total=total, page=page, size=PAGE, planned=planned)


def _scope(scope: str) -> str:
    """The scope of a duty, or of a substitution as it is recorded: `all`, or a kind and a key."""
    return gettext("Everything") if scope == "all" else scope.partition(" ")[2] or called(forms.SCOPE_NAMES, scope)


def _line_name(line: Any) -> str:
    """What a difference or an event is about; a duty is recorded with its key and who holds it."""
    duty, _, holder = line.name.partition(": ")
    return f"{called(DUTIES, duty)} · {holder}" if line.kind == "duties" and holder else line.name


def init_app(app: Any) -> None:
    app.jinja_env.filters.update(
        directory_act=lambda act: gettext(ACTS.get(act, act)),
        column=lambda name, kind: gettext(_MORE[name]) if name in _MORE else headings.label(kind, name),
        kind=lambda kind: gettext({**headings.KINDS, "substitutions": N_("Substitutes"), "tokens": N_("Programs")}.get(kind, kind)),
        duty=lambda key: called(DUTIES, key),
        scope=_scope,
        line_name=_line_name,
    )
    app.jinja_env.globals.update(told_person=forms.told, told_place=forms.place, told_name=forms.named, duty_key=duty_key)
    app.register_blueprint(people)


#: fields of substitutions and tokens, as they are recorded
_MORE = {"substitute": N_("Substitute"), "starts_at": N_("Beginning"), "ends_at": N_("End"), "scopes": N_("What it is for")}
_MORE |= {"ids": N_("Ids at services"), "token": N_("Program"), "expires": N_("Until and including")}
