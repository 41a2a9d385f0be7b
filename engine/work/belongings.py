"""What somebody holds, or will hold: everything that has to go to others before they leave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from ..chains import versions
from ..models import (
    OPEN,
    Candidate,
    Case,
    Chain,
    ChainDraft,
    Department,
    Duty,
    Group,
    GroupMember,
    Headship,
    Holding,
    Person,
    Placement,
    SignOff,
    Substitution,
    WorkItem,
    WorkRound,
    WorkStep,
)
from ..people import directory
from ..ports import Json
from ..rules import by_procedure
from ..timeline import title_en

if TYPE_CHECKING:
    from ..services import Services

#: what goes to somebody else, in the order in which it does
MOVED = ("sign_off", "offer", "substitution", "headship", "duty", "group", "report")
#: what is only named: others change it where it belongs, or it stays as it is
NAMED = ("chain", "role", "case")
#: cases that are named
_MOST = 200


@dataclass(frozen=True, kw_only=True)
class Held:
    """One thing that somebody holds."""

    #: one of `MOVED` or `NAMED`
    kind: str
    #: tells it from others of its kind
    ref: str
    #: what people call it
    name: str
    name_en: str
    #: more about it, such as the case's title, or the duty's place
    about: str = ""
    about_en: str = ""
    #: key of the procedure to whose case it belongs
    procedure: str = ""
    #: number of the case, and the ids by which it is found
    number: str = ""
    case_id: str = ""
    item_id: str = ""
    #: for a substitution: who is absent; for a role: how many others hold it
    person_id: str = ""
    others: int = 0

    @property
    def key(self) -> str:
        """`kind:ref`, by which it is chosen."""
        return f"{self.kind}:{self.ref}"


def held(services: Services, connection: sa.Connection, person: str) -> list[Held]:
    """Everything, in the order of `MOVED` and `NAMED`."""
    now = services.clock.now()
    on = directory.day(now)
    work = [*_sign_offs(services, connection, person), *_offers(services, connection, person)]
    return [
        *work,
        *_substitutions(connection, person, now),
        *_places(connection, person, on),
        *_chains(connection, person, now),
        *_roles(services, connection, person),
        *_cases(services, connection, person),
    ]


def count(services: Services, connection: sa.Connection, person: str) -> int:
    """How much of it would have to go to somebody else."""
    return sum(one.kind in MOVED for one in held(services, connection, person))


# --- work

_SUBJECT = aliased(Person)


def _work(condition: sa.ColumnElement[bool]) -> Any:
    return (
        sa.select(
            SignOff.id.label("sign_off_id"),
            SignOff.item_id,
            SignOff.case_id,
            Case.number,
            Case.title,
            Case.version_id,
            Case.procedure,
            _SUBJECT.name.label("subject"),
            sa.func.coalesce(WorkStep.name, WorkItem.name).label("name"),
            sa.func.coalesce(WorkStep.name_en, WorkItem.name_en).label("name_en"),
        )
        .join(WorkItem, WorkItem.id == SignOff.item_id)
        .join(Case, Case.id == SignOff.case_id)
        .join(_SUBJECT, _SUBJECT.id == Case.subject_id)
        .outerjoin(WorkRound, WorkRound.id == SignOff.round_id)
        .outerjoin(WorkStep, WorkStep.id == WorkRound.step_id)
        .where(condition, WorkItem.status == "open", ~WorkItem.for_subject)
        .order_by(WorkItem.opened_at, SignOff.id)
    )


def _told(services: Services, kind: str, rows: Iterable[Any]) -> Iterator[Held]:
    for row in rows:
        own = {name: getattr(row, name) for name in ("name", "name_en", "procedure", "number", "case_id", "item_id")}
        yield Held(kind=kind, ref=row.sign_off_id, about=row.title, about_en=title_en(services, row.version_id, row.subject), **own)


def _sign_offs(services: Services, connection: sa.Connection, person: str) -> Iterator[Held]:
    mine = sa.and_(SignOff.person_id == person, SignOff.state.in_(("open", "waiting")))
    return _told(services, "sign_off", connection.execute(_work(mine)).all())


def _offers(services: Services, connection: sa.Connection, person: str) -> Iterator[Held]:
    named = sa.select(Candidate.sign_off_id).where(Candidate.kind == "person", Candidate.ref == person)
    free = sa.and_(SignOff.id.in_(named), SignOff.state == OPEN, SignOff.person_id.is_(None))
    return _told(services, "offer", connection.execute(_work(free)).all())


def _cases(services: Services, connection: sa.Connection, person: str) -> Iterator[Held]:
    rows = connection.execute(
        sa.select(Case.id, Case.number, Case.title, Case.version_id, Case.procedure, _SUBJECT.name.label("subject"))
        .join(_SUBJECT, _SUBJECT.id == Case.subject_id)
        .where(Case.initiator_id == person, Case.status.in_(("running", "suspended")))
        .order_by(Case.number)
        .limit(_MOST)
    ).all()
    for row in rows:
        english = title_en(services, row.version_id, row.subject)
        own = {"procedure": row.procedure, "number": row.number, "case_id": row.id}
        yield Held(kind="case", ref=row.id, name=row.title, name_en=english, **own)


# --- the directory


def _substitutions(connection: sa.Connection, person: str, now: dt.datetime) -> Iterator[Held]:
    rows = connection.execute(
        sa.select(Substitution.id, Substitution.absent_id, Person.name, Substitution.ends_at)
        .join(Person, Person.id == Substitution.absent_id)
        .where(Substitution.substitute_id == person, Substitution.ended_at.is_(None), Substitution.ends_at > now)
        .order_by(Substitution.ends_at, Substitution.id)
    )
    for row in rows:
        until = directory.day(row.ends_at).isoformat()
        yield Held(kind="substitution", ref=row.id, name=row.name, name_en=row.name, about=until, about_en=until, person_id=row.absent_id)


def _places(connection: sa.Connection, person: str, on: dt.date) -> Iterator[Held]:
    """What the directory says of them, now or from a later day on."""

    def not_over(model: Any) -> Any:
        return sa.or_(model.to_day.is_(None), model.to_day >= on)

    heads = sa.select(Department.id, Department.name, Department.name_en).join(Headship, Headship.department_id == Department.id)
    for row in connection.execute(heads.where(Headship.person_id == person, not_over(Headship)).distinct().order_by(Department.id)):
        yield Held(kind="headship", ref=row.id, name=row.name, name_en=row.name_en or row.name)
    for row in connection.execute(sa.select(Duty.__table__).where(Duty.person_id == person, not_over(Duty)).order_by(Duty.id)):
        yield Held(kind="duty", ref=row.id, name=row.duty, name_en=row.duty, about=row.ref, about_en=row.ref)
    groups = sa.select(Group.id, Group.name, Group.name_en).join(GroupMember, GroupMember.group_id == Group.id)
    for group in connection.execute(groups.where(GroupMember.person_id == person).order_by(Group.id)):
        yield Held(kind="group", ref=group.id, name=group.name, name_en=group.name_en or group.name)
    reports = sa.select(Person.id, Person.name).join(Placement, Placement.person_id == Person.id)
    reports = reports.where(Placement.manager_id == person, not_over(Placement), directory.here(on))
    for report in connection.execute(reports.distinct().order_by(Person.name, Person.id)):
        yield Held(kind="report", ref=report.id, name=report.name, name_en=report.name)


def _chains(connection: sa.Connection, person: str, now: dt.datetime) -> Iterator[Held]:
    """Chains that name them: what is in force, what was published for later, and what is being drafted."""
    number = connection.execute(sa.select(Person.employee_no).where(Person.id == person)).scalar_one()
    meant = {person, number} - {None}
    drafts = {row.key: row for row in connection.execute(sa.select(ChainDraft.key, ChainDraft.name, ChainDraft.name_en, ChainDraft.steps))}
    for chain in versions.chains(connection, now):
        rows = list(
            connection.execute(sa.select(Chain.steps).where(Chain.key == chain.key, Chain.number >= max(chain.number, 1))).scalars()
        )
        steps = [step for each in rows for step in each]
        if draft := drafts.get(chain.key):
            steps += draft.steps
        places = dict.fromkeys(str(step.get("name") or "") for step in steps if _names(step, meant))
        if places:
            about = "、".join(places)
            yield Held(kind="chain", ref=chain.key, name=chain.name, name_en=chain.name_en, about=about, about_en=about)


def _names(value: Json, meant: set[Any]) -> bool:
    """Whether somebody is named in a part of a chain, however deep."""
    if isinstance(value, Mapping):
        return any(_names(inner, meant) for inner in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(_names(inner, meant) for inner in value)
    return value in meant


def _roles(services: Services, connection: sa.Connection, person: str) -> Iterator[Held]:
    """Roles, each with the procedures that it manages, and how many others who are here hold it."""
    managed = by_procedure(services, connection)
    on = directory.day(services.clock.now())
    for role in connection.execute(sa.select(Holding.role).where(Holding.person_id == person).order_by(Holding.role)).scalars():
        others = [one for one in directory.holders(connection, role, on=on) if one != person]
        about = "、".join(sorted(name for name, rules in managed.items() if role in rules.managers))
        yield Held(kind="role", ref=role, name=role, name_en=role, about=about, about_en=about, others=len(others))
