"""What a centre is to show of a case, against what it was told: read from the tables, changing nothing."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..models import Account, Candidate, Case, ForeignId, Person, Projection, SignOff, WorkItem, WorkRound, WorkStep, new_id
from ..people import directory
from ..ports import Part, Projector, Shown
from ..timeline import title_en

if TYPE_CHECKING:
    from ..services import Services

#: why nothing is sent for somebody
UNKNOWN = "what the service calls this person is not entered"
#: states of sign-offs by which their holder's part ended by an act of their own
_ENDED = {"approved": "approved", "rejected": "rejected", "returned": "returned", "transferred": "passed", "resolved": "done"}
_OF_SIGN_OFFS: tuple[Any, ...] = (*SignOff.__table__.columns, WorkItem.due_at.label("item_due_at"))
#: title where settings keep titles out, see `Settings.notice_titles`
_NOBODY = "Partwell"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What changes in the rows of `projections`, and the items of which the centre is to be told."""

    added: list[dict[str, Any]]
    #: by id
    changed: dict[str, dict[str, Any]]
    #: ids of rows for which nothing was ever sent, and nothing is any more
    dropped: list[str]
    shown: list[Shown]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.dropped or self.shown)


def plan(
    services: Services,
    connection: sa.Connection,
    projector: Projector,
    case_id: str,
    *,
    place: str,
    now: dt.datetime,
    settled: bool = False,
) -> Plan:
    """What a centre must be told of a case now; `settled`: of everything that it was told, too."""
    columns = (Case.id, Case.number, Case.title, Case.version_id, Case.subject_id, Case.initiator_id)
    case = connection.execute(sa.select(*columns).where(Case.id == case_id)).one()
    before = {
        (row.sign_off_id, row.person_id, row.address): row
        for row in connection.execute(
            sa.select(Projection.__table__).where(Projection.case_id == case_id, Projection.centre == projector.centre)
        )
    }
    wanted = _wanted(connection, projector.system, case, now)
    known = {sign_off for sign_off, _, _ in before} | {sign_off for sign_off, _, _ in wanted}
    chosen = sa.select(*_OF_SIGN_OFFS).join(WorkItem, WorkItem.id == SignOff.item_id)
    sign_offs = {row.id: row for row in connection.execute(chosen.where(SignOff.id.in_(known)))}
    made = Plan(added=[], changed={}, dropped=[], shown=[])
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for key in [*before, *sorted(wanted - before.keys())]:
        sign_off, row = sign_offs[key[0]], before.get(key)
        state = "open" if key in wanted else _end(sign_off, key[1])
        due = sign_off.due_at or sign_off.item_due_at
        if row is None:
            new = _row(projector.centre, sign_off, key, due, now)
            made.added.append(new)
            rows[sign_off.item_id].append(new)
        elif not key[2] and state != "open":
            made.dropped.append(row.id)
        else:
            differences = _differences(row, state, due, now)
            if differences:
                made.changed[row.id] = differences
            rows[sign_off.item_id].append({**row._mapping, **differences})
    told = {item for item, of_item in rows.items() if any(one["address"] and (settled or one["state"] != one["sent"]) for one in of_item)}
    if told:
        made.shown.extend(_shown(services, connection, case, {item: rows[item] for item in told}, sign_offs, place, now))
    return made


def _wanted(connection: sa.Connection, system: str, case: Any, now: dt.datetime) -> set[tuple[str, str, str]]:
    """Sign-off, person and address of all in whose inbox work of the case waits. The subject sees only what they hold."""
    select = (
        sa.select(SignOff.id, SignOff.person_id, SignOff.role)
        .join(WorkItem, WorkItem.id == SignOff.item_id)
        .where(WorkItem.case_id == case.id, WorkItem.status == "open", SignOff.state == "open")
    )
    waits: set[tuple[str, str]] = set()
    on = directory.day(now)
    for row in connection.execute(select).all():
        if row.person_id:
            waits.add((row.id, row.person_id))
            continue
        candidates = [("role", row.role)] if row.role else []
        if not candidates:
            offered = sa.select(Candidate.kind, Candidate.ref).where(Candidate.sign_off_id == row.id)
            candidates = [(one.kind, one.ref) for one in connection.execute(offered)]
        roles = [ref for kind, ref in candidates if kind == "role"]
        persons = {ref for kind, ref in candidates if kind == "person"}
        persons.update(directory.holders(connection, *roles, on=on) if roles else ())
        waits |= {(row.id, person) for person in persons - {case.subject_id}}
    persons = {person for _, person in waits}
    named = (
        sa.select(Person.id, ForeignId.foreign_id)
        .outerjoin(ForeignId, sa.and_(ForeignId.person_id == Person.id, ForeignId.system == system))
        .where(Person.id.in_(persons), directory.here(on))
    )
    addresses = {row.id: row.foreign_id or "" for row in connection.execute(named)}
    return {(sign_off, person, addresses[person]) for sign_off, person in waits if person in addresses}


def _end(sign_off: Any, person: str) -> str:
    return _ENDED.get(sign_off.state, "gone") if person == sign_off.decided_by else "gone"


def _row(centre: str, sign_off: Any, key: tuple[str, str, str], due: dt.datetime | None, now: dt.datetime) -> dict[str, Any]:
    _, person, address = key
    told = {"due_at": due, "changed": _milliseconds(now), "ended_at": None, "sent_at": None, "problem": "" if address else UNKNOWN}
    of = {"case_id": sign_off.case_id, "item_id": sign_off.item_id, "sign_off_id": sign_off.id, "person_id": person, "address": address}
    return {"id": new_id(), "centre": centre, **of, "outside_id": "", "state": "open", "sent": "", **told}


def _differences(row: Any, state: str, due: dt.datetime | None, now: dt.datetime) -> dict[str, Any]:
    """What is other in a row than before. What the centre showed and took away comes back as something new."""
    found: dict[str, Any] = {}
    if row.state != state:
        found = {"state": state, "ended_at": None if state == "open" else now}
        if state == "open":
            found |= {"id": new_id(), "outside_id": "", "sent": ""}
    elif state == "open" and row.due_at != due:
        found = {"sent": ""}
    if found:
        found |= {"due_at": due, "changed": max(_milliseconds(now), row.changed + 1)}
    return found


def _shown(
    services: Services,
    connection: sa.Connection,
    case: Any,
    rows: dict[str, list[dict[str, Any]]],
    sign_offs: dict[str, Any],
    place: str,
    now: dt.datetime,
) -> list[Shown]:
    titles = services.settings.notice_titles
    named = connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_([case.subject_id, case.initiator_id])))
    names = {row.id: row.name for row in named}
    locales = _locales(connection, {row["person_id"] for of_item in rows.values() for row in of_item})
    english = title_en(services, case.version_id, names.get(case.subject_id, "")) if titles else ""
    found = []
    for item in connection.execute(sa.select(WorkItem.__table__).where(WorkItem.id.in_(rows)).order_by(WorkItem.id)):
        parts = [_part(row, sign_offs[row["sign_off_id"]], locales) for row in rows[item.id] if row["address"]]
        found.append(
            Shown(
                key=item.id,
                place=place,
                case=case.number,
                title=f"{case.title} ({case.number})" if titles else case.number,
                title_en=f"{english} ({case.number})" if titles else case.number,
                step=item.name,
                step_en=item.name_en,
                initiator=names.get(case.initiator_id, _NOBODY) if titles else _NOBODY,
                link=f"{services.settings.address}/items/{item.id}",
                state={"open": "open", "left": "left"}.get(item.status) or _verdict(connection, item.id),
                opened_at=item.opened_at,
                ended_at=item.closed_at,
                changed=max(part.changed for part in parts),
                parts=parts,
                now=now,
            )
        )
    return found


def _part(row: dict[str, Any], sign_off: Any, locales: dict[str, str]) -> Part:
    return Part(
        key=row["id"],
        address=row["address"],
        state=row["state"],
        opened_at=sign_off.opened_at,
        ended_at=row["ended_at"],
        due_at=row["due_at"],
        changed=row["changed"],
        outside=row["outside_id"],
        confirmed=row["state"] == row["sent"],
        locale=locales.get(row["person_id"], "zh-CN"),
    )


def _verdict(connection: sa.Connection, item: str) -> str:
    """How a completed item ended."""
    last = (
        sa.select(WorkRound.outcome)
        .join(WorkStep, WorkStep.id == WorkRound.step_id)
        .where(WorkStep.item_id == item, WorkRound.closed_at.is_not(None))
        .order_by(WorkRound.closed_at.desc(), WorkRound.id.desc())
        .limit(1)
    )
    outcome = connection.execute(last).scalar_one_or_none()
    return "rejected" if outcome == "rejected" else "approved"


def _locales(connection: sa.Connection, persons: Collection[str]) -> dict[str, str]:
    rows = connection.execute(sa.select(Account.person_id, Account.locale).where(Account.person_id.in_(persons)))
    return {row.person_id: "en" for row in rows if (row.locale or "").startswith("en")}


def _milliseconds(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)
