"""What must always agree: the tokens of each case, its work items, jobs, incidents and subscriptions, and its ledger."""

from __future__ import annotations

from collections import Counter
from typing import Any

import sqlalchemy as sa

from engine import ledger
from engine.models import Case, Incident, Job, SignOff, Subscription, WorkItem
from engine.services import Services
from engine.turn import state_purpose


def assert_consistent(services: Services) -> int:
    """Checks every case of the database, as it stands at one instant; gives how many there are."""
    engine = services.database.engine
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        cases = connection.execute(sa.select(Case.__table__)).all()
        for case in cases:
            found = _faults(services, connection, case)
            assert not found, f"case {case.number} ({case.status}, {case.outcome}): " + "; ".join(found)
    return len(cases)


def _faults(services: Services, connection: sa.Connection, case: Any) -> list[str]:
    entries = ledger.history(connection, services.keyring, case.id)
    found = [f"ledger: {fault}" for fault in ledger.faults(entries, head=case.head, count=case.entries)]
    items = _rows(connection, WorkItem, case.id)
    jobs = _rows(connection, Job, case.id)
    open_items = Counter(item.instance for item in items if item.status == "open")
    pending = {kind: Counter(j.instance for j in jobs if j.kind == kind and j.state not in ("done", "dropped")) for kind in _KINDS}
    incidents = [incident for incident in _rows(connection, Incident, case.id) if incident.resolved_at is None]
    if case.incidents != len(incidents):
        found.append(f"the row counts {case.incidents} incidents, {len(incidents)} are open")
    signed = {item.id: _signs(connection, item) for item in items}
    found += [f"item {item.element} is open without a sign-off" for item in items if item.status == "open" and not signed[item.id]]
    found += [f"item {item.element} is closed, yet waits for a sign-off" for item in items if item.status != "open" and signed[item.id]]
    waits = {kind: Counter[str]() for kind in ("item", *_KINDS)}
    subscriptions = Counter[str]()
    if case.status != "closed":
        deployed = services.programs.get(case.version_id)
        execution = deployed.program.restore(services.keyring.unseal(case.state, state_purpose(case.id)))
        stuck = {incident.instance for incident in incidents if incident.job_id is None}
        for instance, element in execution.waiting():
            if instance in stuck:
                continue
            if element.kind == "userTask":
                waits["item"][instance] += 1
            elif "taskDefinition.type" in element.extensions:
                waits["operation"][instance] += 1
            elif element.timer is not None:
                waits["timer"][instance] += 1
            elif element.event in ("message", "signal"):
                subscriptions[instance] += 1
        if execution.finished:
            found.append("no token is left, yet it is not closed")
    elif not any(job.kind == "seal" for job in jobs):
        found.append("it is closed, but nothing seals it")
    for kind, there in {"item": open_items, **pending}.items():
        if there != waits[kind]:
            found.append(f"{kind}: rows {dict(there)}, tokens {dict(waits[kind])}")
    listed = Counter(row.instance for row in _rows(connection, Subscription, case.id))
    if listed != subscriptions:
        found.append(f"subscriptions: rows {dict(listed)}, tokens {dict(subscriptions)}")
    return found


_KINDS = ("operation", "timer")


def _rows(connection: sa.Connection, table: Any, case_id: str) -> list[Any]:
    return list(connection.execute(sa.select(table.__table__).where(table.case_id == case_id)))


def _signs(connection: sa.Connection, item: Any) -> bool:
    return connection.execute(sa.select(SignOff.id).where(SignOff.item_id == item.id, SignOff.state == "open")).first() is not None
