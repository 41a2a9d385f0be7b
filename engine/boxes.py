"""What lies in which box of a person: sign-offs, or copies, that an index finds, however many there are in all.

What a list tells about them is read for the rows of one page only; order, search and filters are all that looks at the others.
A page begins after the last row of the one before, so that a later one takes no longer than the first. The statements are
compiled once for each combination of filters, and those of one list travel together.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from .db import Database, Statement, one_of
from .errors import NotFound
from .models import OPEN, Candidate, Case, Copy, Department, Holding, Person, Placement, ProcedureVersion, SignOff, WorkItem
from .people import directory

_ME: sa.BindParameter[Any] = sa.bindparam("person")
_ROLES = sa.select(Holding.role).where(Holding.person_id == _ME)
_COLUMNS: tuple[Any, ...] = (SignOff.id, SignOff.item_id, SignOff.case_id, SignOff.person_id, SignOff.decided_at)
#: what a person holds and has not decided; a closed case has none, its open sign-offs lapsed when it closed
_MINE = (sa.select(*_COLUMNS).where(SignOff.state == OPEN, SignOff.person_id == _ME),)
#: what a person holds in the place of somebody absent
_STANDING_IN = (_MINE[0].where(SignOff.for_id.is_not(None), SignOff.for_id != _ME),)
_ABOUT_ME = sa.exists().where(Case.id == SignOff.case_id, Case.subject_id == _ME)
_FREE = sa.select(*_COLUMNS).where(SignOff.state == OPEN, SignOff.person_id.is_(None), ~_ABOUT_ME)
_NAMED = sa.select(Candidate.sign_off_id).where(
    sa.or_(
        sa.and_(Candidate.kind == "person", Candidate.ref == sa.bindparam("ref")),
        sa.and_(Candidate.kind == "role", Candidate.ref.in_(_ROLES)),
    )
)
#: what is offered to a person or their roles, but for cases about themselves; a single role is in the row, others are candidates
_OFFERED = (_FREE.where(SignOff.role.in_(_ROLES)), _FREE.where(SignOff.role.is_(None), SignOff.id.in_(_NAMED)))
_DONE = (sa.select(*_COLUMNS).where(SignOff.decided_by == _ME),)
_COPY_COLUMNS: tuple[Any, ...] = (Copy.id, Copy.item_id, Copy.case_id, Copy.sent_at, Copy.read_at)
_COPIED = (sa.select(*_COPY_COLUMNS).where(Copy.person_id == _ME),)
#: box -> selects of what lies in it, of which each is in one only
_BOXES: Mapping[str, Sequence[sa.Select[Any]]] = {
    "mine": _MINE,
    "group": _OFFERED,
    "done": _DONE,
    "standing_in": _STANDING_IN,
    "copied": _COPIED,
}

_ON: sa.BindParameter[Any] = sa.bindparam("on", type_=sa.Date())

#: what is due: late already, later today, later this week (until Sunday), or at no time
DUE = ("late", "today", "week", "none")
#: the earliest due first, or the newest, or the oldest
SORTS = ("due", "newest", "oldest")
#: rows that are looked at for what can be filtered by
_LOOKED_AT = 1000

_ABSENT, _NAMESAKE, _SENDER = aliased(Person), aliased(Person), aliased(Person)
_TOLD = (
    SignOff.id.label("sign_off_id"),
    WorkItem.id.label("item_id"),
    WorkItem.case_id,
    WorkItem.element,
    Case.number,
    Case.title,
    Case.version_id,
    Person.name.label("subject"),
    WorkItem.name,
    WorkItem.name_en,
    WorkItem.lane,
    WorkItem.status,
    WorkItem.chain_id,
    WorkItem.opened_at,
    WorkItem.due_at,
    SignOff.opened_at.label("begun_at"),
    SignOff.person_id,
    SignOff.decided_at,
    SignOff.state.label("decision"),
    _ABSENT.name.label("in_place_of"),
)


_SHOWN = (
    Copy.id.label("copy_id"),
    Copy.item_id,
    Copy.case_id,
    Case.number,
    Case.title,
    Case.version_id,
    Case.status,
    Person.name.label("subject"),
    WorkItem.name,
    WorkItem.name_en,
    _SENDER.name.label("by"),
    Copy.sent_at,
    Copy.read_at,
)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which rows of a box are shown, and in what order; whatever is empty leaves out nothing."""

    #: each must be somewhere in number, title, step, or the name of the employee or of who started the case
    words: Sequence[str] = ()
    #: key of the procedure
    procedure: str = ""
    #: name of the step, as the diagram has it
    step: str = ""
    #: one of `DUE`
    due: str = ""
    #: key of a department to which the employee concerned belongs, or to one below it
    department: str = ""
    #: one of `SORTS`; what is done is shown by when it was decided
    sort: str = "due"


ALL = Filter()


@dataclass(frozen=True)
class _Shape:
    """What the statement of a page depends on."""

    box: str
    words: int
    filters: frozenset[str]
    due: str
    sort: str
    after: bool


def page(
    database: Database, box: str, person: str, wanted: Filter, now: dt.datetime, *, size: int, after: str = ""
) -> tuple[Sequence[Any], int]:
    """Rows of a box after the sign-off of that id, one more than `size` where there are more; and how many rows fit in all.

    In the box `copied` copies lie: what was not read first, then the newest; they are due at no time. Raises NotFound for a box, an
    order or a due time that does not exist.
    """
    for what, value, known in (("box", box, _BOXES), ("due time", wanted.due, ("", *DUE)), ("order", wanted.sort, SORTS)):
        if value not in known:
            raise NotFound(what=what, name=value)
    filters = frozenset(name for name in ("procedure", "step", "department") if getattr(wanted, name))
    sort = ("oldest" if wanted.sort == "oldest" else "newest") if box == "done" else wanted.sort
    due, sort = ("", "newest") if box == "copied" else (wanted.due, sort)
    shape = _Shape(box, len(wanted.words), filters, due, sort, bool(after))
    given = {
        "person": person,
        "ref": person,
        **{f"word_{number}": _pattern(word) for number, word in enumerate(wanted.words)},
        **{name: getattr(wanted, name) for name in filters},
        **_spans(now),
    }
    statement = _copied_page(shape) if box == "copied" else _page(shape)
    rows, [(total,)] = database.together((statement, {**given, "size": size + 1, "after": after}), (_total(shape), given))
    return rows, total


def counts(database: Database, person: str, now: dt.datetime) -> Mapping[str, int]:
    """How much a person holds (`mine`), how much of it for somebody absent (`standing_in`), how much is offered to them (`group`),
    how much of all that is late (`overdue`), how many of their own cases go on (`sent`), and how many copies they have not read
    (`copied`).
    """
    [[held, both, late, for_others]], [[sent]], [[unread]] = database.together(
        (_COUNTS, {"person": person, "ref": person, "now": now}), (_SENT, {"person": person}), (_UNREAD, {"person": person})
    )
    return {"mine": held, "group": both - held, "overdue": late, "standing_in": for_others, "sent": sent, "copied": unread}


def choices(database: Database, box: str, person: str, now: dt.datetime) -> tuple[list[Any], list[Any], list[Any]]:
    """By what a box can be filtered: procedures, steps and departments, each with `key`, `name` and `name_en`.

    Raises NotFound for a box that does not exist.
    """
    if box not in _BOXES:
        raise NotFound(what="box", name=box)
    given = {"person": person, "ref": person, "on": directory.day(now)}
    procedures, steps, departments = database.together(*((statement, given) for statement in _choices(box)))
    return procedures, steps, departments


def _spans(now: dt.datetime) -> dict[str, Any]:
    """The moment, the end of its day and of its week at the company's place, and the day."""
    on = directory.day(now)
    return {
        "now": now,
        "midnight": directory.midnight(on + dt.timedelta(days=1)),
        "sunday": directory.midnight(on + dt.timedelta(days=7 - on.weekday())),
        "on": on,
    }


@functools.cache
def _page(shape: _Shape) -> Statement:
    lies = _lies(*_BOXES[shape.box])
    found = _matching(sa.select(lies.c.id).select_from(lies), lies, shape, items=True)
    if shape.after:
        found = found.where(_after(shape, lies))
    chosen = found.order_by(*_order(shape, lies.c.decided_at, lies.c.id)).limit(sa.bindparam("size")).subquery("chosen")
    told = sa.select(*_TOLD).select_from(chosen).join(SignOff, SignOff.id == chosen.c.id).join(WorkItem, WorkItem.id == SignOff.item_id)
    told = told.join(Case, Case.id == WorkItem.case_id).join(Person, Person.id == Case.subject_id)
    told = told.outerjoin(_ABSENT, sa.and_(_ABSENT.id == _away(shape.box), _ABSENT.id != _ME))
    return Statement(told.order_by(*_order(shape, SignOff.decided_at, SignOff.id)))


def _away(box: str) -> Any:
    """The absent one in whose place the person holds, did, or may take it."""
    if box != "group":
        return SignOff.for_id
    own = sa.and_(Candidate.sign_off_id == SignOff.id, Candidate.kind == "person", Candidate.ref == sa.bindparam("ref"))
    return sa.select(Candidate.for_id).where(own).correlate(SignOff).scalar_subquery()


@functools.cache
def _copied_page(shape: _Shape) -> Statement:
    lies = _lies(*_BOXES[shape.box])
    found = _matching(sa.select(lies.c.id).select_from(lies), lies, shape)
    if shape.after:
        last = sa.select(Copy.read_at.is_not(None).label("read"), Copy.sent_at, Copy.id)
        at = last.where(Copy.id == sa.bindparam("after", type_=Copy.id.type)).subquery("last")
        read, last_read = sa.cast(lies.c.read_at.is_not(None), sa.Integer), sa.cast(at.c.read, sa.Integer)
        older = sa.or_(lies.c.sent_at < at.c.sent_at, sa.and_(lies.c.sent_at == at.c.sent_at, lies.c.id < at.c.id))
        found = found.join(at, sa.true()).where(sa.or_(read > last_read, sa.and_(read == last_read, older)))
    chosen = found.order_by(*_unread_first(lies.c)).limit(sa.bindparam("size")).subquery("chosen")
    told = sa.select(*_SHOWN).select_from(chosen).join(Copy, Copy.id == chosen.c.id).join(Case, Case.id == Copy.case_id)
    told = told.join(Person, Person.id == Case.subject_id).outerjoin(WorkItem, WorkItem.id == Copy.item_id)
    return Statement(told.outerjoin(_SENDER, _SENDER.id == Copy.sent_by).order_by(*_unread_first(Copy)))


def _unread_first(copy: Any) -> list[Any]:
    return [copy.read_at.is_not(None), copy.sent_at.desc(), copy.id.desc()]


def _order(shape: _Shape, decided_at: Any, sign_off: Any) -> list[Any]:
    if shape.sort == "due":
        return [WorkItem.due_at.is_(None), WorkItem.due_at, WorkItem.opened_at, sign_off]
    at = decided_at if shape.box == "done" else WorkItem.opened_at
    return [at.desc(), sign_off.desc()] if shape.sort == "newest" else [at, sign_off]


def _after(shape: _Shape, lies: sa.Subquery) -> sa.ColumnElement[bool]:
    """Condition on rows: those that the order puts after the sign-off `:after`."""
    last_item, last = aliased(WorkItem), aliased(SignOff)

    def of(column: Any) -> Any:
        found = sa.select(column).select_from(last).join(last_item, last_item.id == last.item_id)
        return found.where(last.id == sa.bindparam("after", type_=last.id.type)).scalar_subquery()

    if shape.sort == "due":
        due, last_due = WorkItem.due_at, of(last_item.due_at)
        same = sa.or_(due == last_due, sa.and_(due.is_(None), last_due.is_(None)))
        later = sa.or_(due > last_due, sa.and_(due.is_(None), last_due.is_not(None)))
        opened, last_opened = WorkItem.opened_at, of(last_item.opened_at)
        beyond = sa.or_(opened > last_opened, sa.and_(opened == last_opened, lies.c.id > of(last.id)))
        return sa.or_(later, sa.and_(same, beyond))
    at, last_at = (lies.c.decided_at, of(last.decided_at)) if shape.box == "done" else (WorkItem.opened_at, of(last_item.opened_at))
    if shape.sort == "newest":
        return sa.and_(at <= last_at, sa.or_(at < last_at, lies.c.id < of(last.id)))
    return sa.and_(at >= last_at, sa.or_(at > last_at, lies.c.id > of(last.id)))


@functools.cache
def _total(shape: _Shape) -> Statement:
    lies = _lies(*_BOXES[shape.box])
    return Statement(_matching(sa.select(sa.func.count().label("total")).select_from(lies), lies, shape))


@functools.cache
def _choices(box: str) -> tuple[Statement, Statement, Statement]:
    lies = _lies(*_BOXES[box])
    looked_at = sa.select(lies.c.item_id, lies.c.case_id).limit(_LOOKED_AT).subquery("looked_at")
    cases = sa.select(looked_at.c.case_id)
    version = ProcedureVersion
    procedures = sa.select(version.procedure.label("key"), version.name, version.name_en).where(
        version.active, version.procedure.in_(sa.select(Case.procedure).where(Case.id.in_(cases)))
    )
    steps = sa.select(WorkItem.name.label("key"), WorkItem.name, sa.func.max(WorkItem.name_en).label("name_en"))
    steps = steps.where(WorkItem.id.in_(sa.select(looked_at.c.item_id)))
    departments = sa.select(Department.id.label("key"), Department.name, Department.name_en)
    departments = departments.where(
        Department.id.in_(
            sa.select(Placement.department_id)
            .join(Case, Case.subject_id == Placement.person_id)
            .where(Case.id.in_(cases), directory.in_force(Placement, _ON))
        )
    )
    return (
        Statement(procedures.order_by(version.procedure)),
        Statement(steps.group_by(WorkItem.name).order_by(WorkItem.name)),
        Statement(departments.order_by(Department.name)),
    )


def _lies(*selects: sa.Select[Any]) -> sa.Subquery:
    return sa.union_all(*selects).subquery("lies") if len(selects) > 1 else selects[0].subquery("lies")


def _matching(found: sa.Select[Any], lies: sa.Subquery, shape: _Shape, *, items: bool = False) -> sa.Select[Any]:
    """Those that fit; `items`: joined with their work items in any case."""
    cases = shape.words or shape.filters & {"procedure", "department"}
    if items or shape.words or shape.due or "step" in shape.filters:
        # a copy may come from the case as a whole
        found = found.join(WorkItem, WorkItem.id == lies.c.item_id, isouter=shape.box == "copied")
    if cases:
        found = found.join(Case, Case.id == lies.c.case_id).join(Person, Person.id == Case.subject_id)
    fields = (Case.number, Case.title, Person.name, WorkItem.name, WorkItem.name_en)
    for number in range(shape.words):
        pattern = sa.bindparam(f"word_{number}", type_=sa.String())
        called = sa.select(_NAMESAKE.id).where(_NAMESAKE.name.ilike(pattern, escape="/"))
        found = found.where(sa.or_(*(field.ilike(pattern, escape="/") for field in fields), Case.initiator_id.in_(called)))
    if "procedure" in shape.filters:
        found = found.where(Case.procedure == sa.bindparam("procedure"))
    if "step" in shape.filters:
        found = found.where(WorkItem.name == sa.bindparam("step"))
    if "department" in shape.filters:
        found = found.where(Case.subject_id.in_(directory.belonging(sa.bindparam("department", type_=sa.String()), _ON, True)))
    return found.where(_due(shape.due)) if shape.due else found


def _due(when: str) -> sa.ColumnElement[bool]:
    if when == "none":
        return WorkItem.due_at.is_(None)
    now: sa.BindParameter[Any] = sa.bindparam("now")
    if when == "late":
        return WorkItem.due_at < now
    return sa.and_(WorkItem.due_at >= now, WorkItem.due_at < sa.bindparam("midnight" if when == "today" else "sunday"))


def _pattern(word: str) -> str:
    """Nothing in a word is a wildcard."""
    return "%" + "".join(f"/{sign}" if sign in "/%_" else sign for sign in word) + "%"


_WAIT = _lies(*(each.add_columns(SignOff.for_id) for each in (*_MINE, *_OFFERED)))
_HELD = _WAIT.c.person_id.is_not(None)
_COUNTS = Statement(
    sa.select(
        sa.func.count().filter(_HELD).label("held"),
        sa.func.count().label("both"),
        sa.func.count().filter(WorkItem.due_at < sa.bindparam("now")).label("late"),
        sa.func.count().filter(sa.and_(_HELD, _WAIT.c.for_id != _ME)).label("for_others"),
    )
    .select_from(_WAIT)
    .join(WorkItem, WorkItem.id == _WAIT.c.item_id)
)
#: not `<> 'closed'`: that would lead SQLite to the index of all cases that go on
_GOES_ON = one_of(Case.status, "running", "suspended")
_SENT = Statement(sa.select(sa.func.count().label("sent")).where(Case.initiator_id == _ME, Case.subject_id != _ME, _GOES_ON))
_UNREAD = Statement(sa.select(sa.func.count().label("unread")).where(Copy.person_id == _ME, Copy.read_at.is_(None)))
