"""From the rows of finished cases to spans of time at elements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..models import Case, Job, JobAttempt, PastWait, SignOff, WorkItem

Span = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One time that a case was at an element until it was done there."""

    #: id of the work item or job, or the instance of a wait
    key: str
    case_id: str
    element: str
    begin: dt.datetime
    end: dt.datetime
    #: when somebody, or a call, had it in hand: in order, without overlap
    handled: Sequence[Span] = ()
    #: by when it was due
    due: dt.datetime | None = None
    #: it was left before it was done
    left: bool = False
    #: who decided last
    by: str | None = None


def visits(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Iterator[Visit]:
    """Every visit of these closed cases. `which`: a condition on `Case`."""
    yield from _items(connection, which)
    yield from _calls(connection, which)
    waits = sa.select(PastWait.__table__)
    for row in connection.execute(waits.join(Case, Case.id == PastWait.case_id).where(which)):
        yield Visit(key=row.instance, case_id=row.case_id, element=row.element, begin=row.opened_at, end=row.closed_at)


def _items(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Iterator[Visit]:
    mine = sa.and_(which, WorkItem.closed_at.is_not(None), WorkItem.corrects.is_(None))
    in_hand: dict[str, list[Span]] = {}
    deciders: dict[str, str | None] = {}
    columns: tuple[Any, ...] = (SignOff.item_id, SignOff.read_at, SignOff.decided_at, SignOff.decided_by)
    signed = sa.select(*columns).join(WorkItem, WorkItem.id == SignOff.item_id).join(Case, Case.id == WorkItem.case_id)
    for row in connection.execute(signed.where(mine, SignOff.decided_at.is_not(None)).order_by(SignOff.decided_at)):
        deciders[row.item_id] = row.decided_by
        if row.read_at is not None:
            in_hand.setdefault(row.item_id, []).append((row.read_at, row.decided_at))
    columns = (WorkItem.id, WorkItem.case_id, WorkItem.element, WorkItem.opened_at, WorkItem.closed_at, WorkItem.due_at, WorkItem.status)
    for row in connection.execute(sa.select(*columns).join(Case, Case.id == WorkItem.case_id).where(mine)):
        yield Visit(
            key=row.id,
            case_id=row.case_id,
            element=row.element,
            begin=row.opened_at,
            end=row.closed_at,
            handled=joined(in_hand.get(row.id, ()), row.opened_at, row.closed_at),
            due=row.due_at,
            left=row.status == "left",
            by=deciders.get(row.id),
        )


def _calls(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Iterator[Visit]:
    """Operations and timers that were done."""
    mine = sa.and_(which, Job.kind.in_(("operation", "timer")), Job.state == "done", Job.finished_at.is_not(None))
    attempts: dict[str, list[Span]] = {}
    tried: Any = sa.select(JobAttempt.job_id, JobAttempt.started_at, JobAttempt.ended_at).join(Job, Job.id == JobAttempt.job_id)
    for row in connection.execute(tried.join(Case, Case.id == Job.case_id).where(mine)):
        attempts.setdefault(row.job_id, []).append((row.started_at, row.ended_at))
    columns = (Job.id, Job.case_id, Job.element, Job.created_at, Job.finished_at)
    for row in connection.execute(sa.select(*columns).join(Case, Case.id == Job.case_id).where(mine)):
        handled = joined(attempts.get(row.id, ()), row.created_at, row.finished_at)
        yield Visit(key=row.id, case_id=row.case_id, element=row.element, begin=row.created_at, end=row.finished_at, handled=handled)


def joined(spans: Sequence[Span], begin: dt.datetime, end: dt.datetime) -> list[Span]:
    """The spans as far as they lie between two moments, in order, those that overlap made one."""
    found: list[Span] = []
    for start, stop in sorted(spans):
        start, stop = max(start, begin), min(stop, end)
        if stop <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        else:
            found.append((start, stop))
    return found
