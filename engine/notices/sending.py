"""Sending: one job for each notice, outside any transaction and apart from every case."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..calendar import OFFICE
from ..db import Statement
from ..deferral import FINISH, put_off, request_purpose
from ..errors import DatabaseAway, NeedsPerson, OperationFailed, PartwellError, Refused
from ..leases import holds
from ..models import Account, Case, Notice, Person, WorkItem
from ..people import directory
from ..ports import Message
from ..timeline import title_en
from . import telling
from .kinds import KINDS, NOBODY, SOMEBODY, TOGETHER
from .wishes import reachable

if TYPE_CHECKING:
    from ..services import Services

log = logging.getLogger(__name__)

_ENDED = Statement(
    sa.update(Notice)
    .where(Notice.job_id == sa.bindparam("job_id"), Notice.state == sa.literal_column("'taken'"))
    .values(state=sa.bindparam("new_state"), ended_at=sa.bindparam("at"), tries=Notice.tries + 1, reason=sa.bindparam("why"))
)
_TRIED = Statement(
    sa.update(Notice)
    .where(Notice.job_id == sa.bindparam("job_id"), Notice.state == sa.literal_column("'taken'"))
    .values(tries=Notice.tries + 1, reason=sa.bindparam("why"))
)
#: most that are told together; the rest follows in the next message
_MOST = 50


@dataclass(frozen=True)
class _Line:
    """What one notice says."""

    subject: str
    text: str
    link: str


def send(services: Services, job: Any, started: dt.datetime) -> None:
    """Carry a job of the kind `notice` out: send a notice, or tell whoever holds an item that is due. Raises as `Notifier.tell`."""
    payload = services.keyring.unseal_json(job.request, request_purpose(job.id))
    if "item" in payload:
        _due(services, job, payload["item"], payload["kind"])
        return
    rows = _take(services, job, payload["notice"])
    told = _message(services, job, rows, started) if rows else None
    state = "moot"
    if told is not None:
        notifier, message = told
        try:
            notifier.tell(message)
        except (OperationFailed, DatabaseAway):
            raise
        except Exception as error:  # a fault in a connector
            log.exception("notice by %s", rows[0].channel)
            reason = f"the connector has a fault of its own: {type(error).__name__} {error}"
            raise NeedsPerson(system=rows[0].channel, operation="notice", reason=reason) from error
        state = "sent"
    with services.database.unit() as unit:
        if holds(unit, job):
            now = services.clock.now()
            unit.write(_ENDED, job_id=job.id, new_state=state, at=now, why="")
            unit.write(FINISH, job_id=job.id, new_state="done", at=now)
            unit.commit()


def failed(services: Services, job: Any, started: dt.datetime, error: PartwellError) -> None:
    """It could not be sent: another attempt, or administrators see it. No case is touched."""
    reason = str(error.facts["reason"] if isinstance(error, OperationFailed) else error.message).replace("\0", "")[:2000]
    with services.database.unit() as unit:
        if not holds(unit, job):
            return
        now = services.clock.now()
        if put_off(services, unit, job, error, now):
            unit.write(_TRIED, job_id=job.id, why=reason)
        else:
            unit.write(_ENDED, job_id=job.id, new_state="failed", at=now, why=reason)
            unit.write(FINISH, job_id=job.id, new_state="failed", at=now)
        unit.commit()


def _take(services: Services, job: Any, notice: str) -> list[Any]:
    """The notices that this job sends: its own if another job has not taken it, and what may be told together with it and is due."""
    now = services.clock.now()
    with services.database.unit() as unit:
        connection = unit.connection
        own = connection.execute(sa.select(Notice.__table__).where(Notice.id == notice)).one_or_none()
        if own is None:
            return []
        with_it = sa.and_(Notice.bundled, Notice.person_id == own.person_id, Notice.channel == own.channel, Notice.due_at <= now)
        which = sa.or_(Notice.id == notice, with_it) if own.bundled else Notice.id == notice
        first = sa.select(Notice.id).where(Notice.state == "waiting", which).order_by(Notice.id).limit(_MOST)
        again = sa.select(Notice.id).where(Notice.state == "taken", Notice.job_id == job.id)
        if connection.execute(again.limit(1)).first() is None:
            ids = list(connection.execute(first.with_for_update(skip_locked=True)).scalars())
            taken = sa.update(Notice).where(Notice.id.in_(ids), Notice.state == "waiting").values(state="taken", job_id=job.id)
            connection.execute(taken)
        mine = sa.select(Notice.__table__).where(Notice.state == "taken", Notice.job_id == job.id).order_by(Notice.id)
        rows = list(connection.execute(mine).all())
        unit.commit()
    return rows


def _message(services: Services, job: Any, rows: list[Any], started: dt.datetime) -> tuple[Any, Message] | None:
    """What is sent, and by whom; None where there is nothing to tell any more. Raises NeedsPerson, Refused."""
    channel, person = rows[0].channel, rows[0].person_id
    notifier = services.notifiers.get(channel)
    if notifier is None:
        raise NeedsPerson(system=channel, operation="notice", reason="no connector offers it any more")
    with services.database.reading() as connection:
        reached, _ = reachable(connection, [person], services.notifiers, directory.day(started))
        if not reached:
            return None  # who has left is told nothing more
        if channel not in reached[0].addresses:
            raise Refused(system=channel, operation="notice", reason="the person cannot be reached there any more")
        who = connection.execute(
            sa.select(Person.name, Account.locale).outerjoin(Account, Account.person_id == Person.id).where(Person.id == person)
        ).one()
        locale = "en" if (who.locale or "").startswith("en") else "zh-CN"
        lines = [line for row in rows if (line := _line(services, connection, row, locale)) is not None]
    if not lines:
        return None
    message = {"key": job.key, "address": reached[0].addresses[channel], "name": who.name, "now": started, "locale": locale}
    if len(lines) == 1:
        kind = rows[0].kind if len(rows) == 1 else "together"
        return notifier, Message(kind=kind, subject=lines[0].subject, text=lines[0].text, link=lines[0].link, **message)
    subject = services.translate(TOGETHER, locale).format(count=len(lines))
    text = "\n".join(f"· {line.text}\n  {line.link}" for line in lines)
    return notifier, Message(kind="together", subject=subject, text=text, link=f"{services.settings.address}/inbox", **message)


def _line(services: Services, connection: sa.Connection, notice: Any, locale: str) -> _Line | None:
    """What a notice says to somebody who reads this language; None where there is nothing to tell any more."""
    kind, english = KINDS[notice.kind], locale == "en"
    if kind.while_open and notice.item_id and not telling.may_act(connection, notice.item_id, notice.person_id):
        return None
    facts = {"title": "", "step": "", "due": "", "who": services.translate(NOBODY, locale)}
    case = item = None
    if notice.case_id:
        case = connection.execute(
            sa.select(Case.id, Case.number, Case.title, Case.version_id, Person.name.label("subject"))
            .join(Person, Person.id == Case.subject_id)
            .where(Case.id == notice.case_id)
        ).one()
        title = title_en(services, case.version_id, case.subject) if english else case.title
        facts["title"] = f"{title} ({case.number})" if services.settings.notice_titles else case.number
    if notice.item_id:
        item = connection.execute(sa.select(WorkItem.name, WorkItem.name_en, WorkItem.due_at).where(WorkItem.id == notice.item_id)).one()
        facts["step"] = item.name_en if english else item.name
        if item.due_at:
            facts["due"] = f"{item.due_at.astimezone(services.calendars.get(OFFICE).days.zone):%Y-%m-%d %H:%M}"
    if notice.by_id:
        named = connection.execute(sa.select(Person.name).where(Person.id == notice.by_id)).scalar_one_or_none()
        facts["who"] = named if named and services.settings.notice_titles else services.translate(SOMEBODY, locale)
    address = services.settings.address
    link = f"{address}/items/{notice.item_id}" if item else f"{address}/cases/{case.id}" if case else f"{address}/{kind.page}"
    subject, text = (services.translate(template, locale).format(**facts) for template in (kind.subject, kind.text))
    return _Line(subject=" ".join(subject.split())[:200], text=text, link=link)


def _due(services: Services, job: Any, item: str, kind: str) -> None:
    """Tell whoever may act in an item that is due; nobody where it is closed. Where it is due later by now, that is awaited."""
    with services.database.unit() as unit:
        if not holds(unit, job):
            return
        now = services.clock.now()
        persons, roles = telling.holders(unit.connection, item)
        due = unit.connection.execute(sa.select(WorkItem.due_at).where(WorkItem.id == item)).scalar_one()
        place = job.case_id, item, job.element, job.instance
        if (persons or roles) and due is not None and not telling.await_due(services, unit, kind, *place, due, now):
            case = unit.connection.execute(sa.select(Case.id, Case.subject_id).where(Case.id == job.case_id)).one()
            told = telling.Told(kind=kind, persons=persons, roles=roles, item=item)
            telling.tell(services, unit, [told], at=now, by=None, case=case)
        unit.write(FINISH, job_id=job.id, new_state="done", at=now)
        unit.commit()
