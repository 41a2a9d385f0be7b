"""Who is told, decided in the transaction in which it happens; each notice gets a job that sends it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..calendar import OFFICE
from ..db import Unit
from ..deferral import add_job
from ..models import Candidate, Notice, SignOff, WorkItem, new_id
from ..people import directory
from .wishes import moment, reachable

if TYPE_CHECKING:
    from ..services import Services

#: attempts to send a notice: with the usual pauses, most of a day
ATTEMPTS = 20
#: of the job that sends one: below whatever a case does, so that a channel which keeps its threads waiting delays no case for long
PRIORITY = -1


@dataclass(frozen=True, kw_only=True)
class Told:
    """One thing of which several are told."""

    #: one of `kinds.KINDS`
    kind: str
    persons: Sequence[str] = ()
    #: whoever holds one of them is told, too
    roles: Sequence[str] = ()
    item: str | None = None


def tell(services: Services, unit: Unit, told: Iterable[Told], *, at: dt.datetime, by: str | None, case: Any = None) -> None:
    """Notices with the unit's commit. `by`: who did it; they are not told of it. `case`: the row of the case, if it concerns one.

    Nobody is told the same of one item twice, nobody who has left, and nobody of a case about themselves but of their own part.
    """
    if not services.notifiers:
        return
    connection, on = unit.connection, directory.day(at)
    wanted: dict[tuple[str, str | None, str], Told] = {}
    for each in told:
        barred = {by, case.subject_id if case is not None and each.roles else None}
        holders = directory.holders(connection, *each.roles, on=on) if each.roles else []
        for person in (*each.persons, *holders):
            if person not in barred:
                wanted.setdefault((person, each.item, each.kind), each)
    if not wanted:
        return
    calendar = services.calendars.get(OFFICE)
    found, default = reachable(connection, {person for person, _, _ in wanted}, services.notifiers, on)
    by_person = {one.person: one for one in found}
    for (person, item, kind), _ in wanted.items():
        if person not in by_person:
            continue
        reached = by_person[person]
        for channel in reached.channels(kind, services.notifiers, default):
            due, bundled = moment(kind, reached.wish, at, calendar)
            _write(services, unit, kind, person, channel, item, at=at, by=by, due=due, bundled=bundled, case=case)


def _write(
    services: Services,
    unit: Unit,
    kind: str,
    person: str,
    channel: str,
    item: str | None,
    *,
    at: dt.datetime,
    by: str | None,
    due: dt.datetime,
    bundled: bool,
    case: Any,
) -> None:
    notice, case_id = new_id(), case.id if case is not None else None
    payload, key = {"notice": notice}, f"notice:{notice}"
    more: dict[str, Any] = {"due": due, "attempts": ATTEMPTS, "priority": PRIORITY, "payload": payload, "key": key}
    job = add_job(services, unit, case_id, "notice", "", "", at=at, **more)
    unit.add(
        Notice,
        id=notice,
        kind=kind,
        person_id=person,
        channel=channel,
        case_id=case_id,
        item_id=item,
        by_id=by,
        bundled=bundled,
        state="waiting",
        job_id=job,
        created_at=at,
        due_at=due,
        tries=0,
        reason="",
    )


def watch(services: Services, unit: Unit, case_id: str, item: str, element: str, instance: str, due: dt.datetime, at: dt.datetime) -> None:
    """Whoever holds an item shortly before and when it is due is told then; both are dropped with the item's element."""
    if services.notifiers:
        for kind in ("due_soon", "overdue"):
            await_due(services, unit, kind, case_id, item, element, instance, due, at)


def await_due(
    services: Services, unit: Unit, kind: str, case_id: str, item: str, element: str, instance: str, due: dt.datetime, at: dt.datetime
) -> bool:
    """Tell of this kind once its time has come; False where it has come by `at`."""
    when = due - dt.timedelta(hours=services.settings.due_soon_hours) if kind == "due_soon" else due
    if when <= at:
        return False
    payload, key = {"item": item, "kind": kind}, f"notice:{item}:{kind}:{when:%Y%m%d%H%M%S}"
    add_job(services, unit, case_id, "notice", element, instance, at=at, due=when, attempts=5, payload=payload, key=key)
    return True


def holders(connection: sa.Connection, item: str) -> tuple[list[str], list[str]]:
    """Who may act in an open item now: persons and roles."""
    persons, roles = set(), set()
    open_ones = sa.select(SignOff.id, SignOff.person_id, SignOff.role).join(WorkItem, WorkItem.id == SignOff.item_id)
    for row in connection.execute(open_ones.where(WorkItem.id == item, WorkItem.status == "open", SignOff.state == "open")).all():
        if row.person_id:
            persons.add(row.person_id)
        elif row.role:
            roles.add(row.role)
        else:
            for one in connection.execute(sa.select(Candidate.kind, Candidate.ref).where(Candidate.sign_off_id == row.id)):
                (persons if one.kind == "person" else roles).add(one.ref)
    return sorted(persons), sorted(roles)


def may_act(connection: sa.Connection, item: str, person: str) -> bool:
    """Whether a person may act in an open item now."""
    persons, roles = holders(connection, item)
    return person in persons or bool(directory.roles_of(connection, person).intersection(roles))


def kind_of(origin: str, former: int | None) -> str:
    """How somebody is told of a sign-off that came to them so (`engine.signing.round.Signer`)."""
    if former is not None:
        return "transferred"
    return {"delegate": "delegated", "chain": "opened"}.get(origin, "added")


def returned(told: Collection[Told]) -> list[Told]:
    """What opened because somebody sent the work back."""
    return [Told(kind="returned", persons=one.persons, item=one.item) if one.kind == "opened" else one for one in told]
