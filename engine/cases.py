"""Start a case, suspend it and resume it; how it may end before its diagram says so is told in `endings`."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from . import choices, documents, procedures
from .bpmn.model import Element
from .bpmn.names import GIVEN
from .chains.company import Company
from .db import Unit
from .errors import CaseNotRunning, Conflict, FormInvalid, NotAllowed, NotFound, StartSuspended
from .ledger import Event
from .locking import NewCase, done_before, lock
from .models import Case, LedgerPage, new_id
from .people import directory
from .ports import NO_FORM, File, Json
from .rules import Rules, rules_of
from .turn import Turn

if TYPE_CHECKING:
    from .services import Services

#: Crockford's base 32: no letter that looks like a digit
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Started:
    """A case that now exists."""

    case_id: str
    number: str


def start(
    services: Services,
    *,
    procedure: str,
    initiator: str,
    subject: str,
    values: Mapping[str, Json],
    files: Mapping[str, Sequence[File]] | None = None,
    request_id: str,
    locale: str = "zh-CN",
    message: str | None = None,
    chosen: choices.Chosen = MappingProxyType({}),
) -> Started:
    """Start a case of the active version: case, ledger, first work items and jobs in one commit.

    `values` answer the start form; `files` are uploads by the path of their form field, such as `report.attachments`; `message`:
    begin at the message start event of that name instead of where people begin; `chosen`: who signs the steps for which the initiator
    chooses. The same `request_id` again gives the same
    case. Raises NotFound, StartSuspended, NotAllowed, FormInvalid, NobodySigns, and the errors of `documents.scanned`.
    """
    documents.scanned(services, [file for held in (files or {}).values() for file in held])
    now = services.clock.now()
    today = directory.day(now)
    with services.database.unit() as unit:
        versions, holdings, actives, about, by = unit.together(
            (procedures.ACTIVE, {"procedure": procedure}),
            (directory.ROLES, {"person": initiator}),
            (directory.HERE, {"person": subject, "on": today}),
            (directory.DISPLAY, {"person": subject, "on": today}),
            (directory.DISPLAY, {"person": initiator, "on": today}),
        )
        if not versions:
            raise NotFound(what="deployed procedure", name=procedure)
        deployed = services.programs.get(versions[0].id)
        if versions[0].suspended:
            raise StartSuspended(procedure=deployed.program.name, number=deployed.number)
        roles = frozenset(row.role for row in holdings)
        _may_start(unit, rules_of(deployed.files), roles, initiator, subject, today, active=bool(actives))
        who = {"subject": directory.displayed(about, subject), "initiator": directory.displayed(by, initiator)}
        limit = services.settings.upload_limit
        sent = {path: [documents.checked(file, limit=limit) for file in held] for path, held in (files or {}).items() if held}
        uploads = {path: [(new_id(), file) for file in held] for path, held in sent.items()}
        at = _beginning(deployed, message)
        clean, faults = dict(values), {}
        try:
            clean = _checked(services, deployed, at, values, uploads, locale)
        except FormInvalid as invalid:
            faults = invalid.fields
        signers: dict[str, dict[str, list[str]]] = {}
        if message is None:
            situation = choices.before_start(deployed, subject, initiator, now, {**clean, **who})
            signers, wrong = choices.checked(Company(unit.connection, now), deployed.program, situation, chosen)
            faults = {**faults, **wrong}
        if faults:
            raise FormInvalid(faults)
        title = f"{deployed.program.name}：{who['subject']['name']}"
        case = NewCase(
            id=new_id(),
            number=_number(now.astimezone(ZoneInfo(services.settings.zone))),
            procedure=procedure,
            version_id=deployed.id,
            title=title,
            subject_id=subject,
            initiator_id=initiator,
        )
        started: dict[str, Json] = {"case": {"number": case.number, "started_at": now.isoformat(timespec="seconds")}, **who}
        turn = Turn(services, unit, case, actor=initiator, request_id=request_id)
        execution, advance = deployed.program.start({**clean, **started}, now=now, at=at.id)
        facts = {"procedure": procedure, "version": deployed.number, "version_id": deployed.id, **turn.found(advance)}
        if signers:
            facts["chosen"] = signers
        for chain, steps in signers.items():
            for step, persons in steps.items():
                choices.keep(turn, chain, step, persons, by=initiator)
        turn.record(Event.CASE_STARTED, element=at.id, act="start", values=clean, given=started, **facts)
        for document_id, file in (upload for held in uploads.values() for upload in held):
            documents.store(turn, file, element=None, document_id=document_id)
        turn.begin(execution)
        turn.apply(advance)
        try:
            turn.commit()
        except Conflict:
            unit.close()
            return _started_before(services, request_id, initiator)
    return Started(case.id, case.number)


def may_start(connection: sa.Connection, rules: Rules, initiator: str, subject: str, on: dt.date) -> None:
    """Raises NotAllowed unless `initiator` may start a case about `subject` that day, NotFound unless the subject works here."""
    roles, active = directory.roles_of(connection, initiator), bool(directory.present(connection, [subject], on))
    _may_start(connection, rules, roles, initiator, subject, on, active=active)


def _may_start(
    reader: Unit | sa.Connection, rules: Rules, roles: frozenset[str], initiator: str, subject: str, on: dt.date, *, active: bool
) -> None:
    """`may_start` when it is known which roles the initiator holds and whether the subject works here."""
    if not rules.starts(roles):
        raise NotAllowed(reason="your role does not start this procedure")
    if initiator == subject:
        raise NotAllowed(reason="nobody starts a case about themselves")
    if not active:
        raise NotFound(what="active employee", name=subject)
    if rules.starts_about_anybody(roles):
        return
    connection = reader.connection if isinstance(reader, Unit) else reader
    if not directory.reports_to(connection, subject, initiator, on):
        raise NotAllowed(reason="this person does not report to you")


def _beginning(deployed: procedures.Deployed, message: str | None) -> Element:
    """The start event where people begin, or that of a message. Raises NotFound."""
    if message is None:
        return deployed.program.start_element
    for start in deployed.program.starts:
        if start.event == "message" and start.reference == message:
            return start
    raise NotFound(what="message start event", name=message)


def _checked(
    services: Services,
    deployed: procedures.Deployed,
    at: Element,
    values: Mapping[str, Json],
    uploads: Mapping[str, Sequence[tuple[str, File]]],
    locale: str,
) -> dict[str, Json]:
    """Clean values of the start event's form; `uploads`: files with the ids that they will have, by the path of their field.

    A message without a form brings what it brings, except what only the engine gives. Raises FormInvalid.
    """
    if at.event == "message" and not at.form:
        return {name: value for name, value in values.items() if name not in GIVEN}
    form = deployed.forms.get(at.form or "", NO_FORM)
    submitted = dict(values)
    for path, brought in uploads.items():
        *groups, key = path.split(".")
        place = submitted
        for group in groups:
            held = place.get(group)
            place[group] = dict(held) if isinstance(held, Mapping) else {}
            place = place[group]
        place[key] = [new for new, _ in brought]
    clean = services.forms.check(form, submitted, {}, permissions={}, locale=locale)
    new = dict(upload for brought in uploads.values() for upload in brought)
    held = services.forms.files(form, clean)
    for missing in {one for ids in held.values() for one in ids} - new.keys():
        raise NotFound(what="document in this report", name=missing)
    if held:
        files = {path: [(new[one].name, new[one].media_type) for one in ids] for path, ids in held.items()}
        services.forms.check_files(form, files, clean, permissions={}, locale=locale)
    return clean


def _number(day: dt.datetime) -> str:
    """Day and five random letters: no counter that everybody would have to wait for."""
    return f"{day:%Y%m%d}-{''.join(secrets.choice(_LETTERS) for _ in range(5))}"


def _started_before(services: Services, request_id: str, initiator: str) -> Started:
    """The case that this request of the initiator made. Raises Conflict if something else was in the way."""
    mine = sa.and_(LedgerPage.request_id == request_id, LedgerPage.event == Event.CASE_STARTED, LedgerPage.actor_id == initiator)
    with services.database.reading() as connection:
        row = connection.execute(sa.select(Case.id, Case.number).join(LedgerPage, LedgerPage.case_id == Case.id).where(mine)).one_or_none()
    if row is None:
        raise Conflict()
    return Started(row.id, row.number)


def suspend(services: Services, case_id: str, *, actor: str, reason: str, request_id: str) -> None:
    """Nothing of the case moves until it is resumed: no completion, no new call, no timer; only a call under way still answers.

    Raises NotAllowed, CaseNotRunning.
    """
    _switch(services, case_id, actor, reason, request_id, "running", "suspended", Event.CASE_SUSPENDED)


def resume(services: Services, case_id: str, *, actor: str, reason: str, request_id: str) -> None:
    """A suspended case runs again; what became due meanwhile is due now. Raises NotAllowed, CaseNotRunning."""
    _switch(services, case_id, actor, reason, request_id, "suspended", "running", Event.CASE_RESUMED)
    services.carrier.ring(None)


def _switch(services: Services, case_id: str, actor: str, reason: str, request_id: str, before: str, after: str, event: Event) -> None:
    with services.database.unit() as unit:
        turn = turn_in(services, unit, case_id, actor, request_id, before)
        if turn is None:
            return
        must_manage(turn)
        turn.status = after
        turn.record(event, reason=must_say(reason))
        if after == "running" and not turn.case.on_hold:
            turn.ask_again()
        turn.commit()


def turn_in(services: Services, unit: Unit, case_id: str, actor: str, request_id: str, *allowed: str) -> Turn | None:
    """The case's turn, or None if this very request was carried out before. `allowed`: statuses in which it may be done."""
    case = lock(unit, case_id=case_id)
    if done_before(unit, case_id, actor=actor, request_id=request_id):
        return None
    if case.status not in allowed:
        raise CaseNotRunning(case=case.number, state=case.status)
    return Turn(services, unit, case, actor=actor, request_id=request_id)


def must_manage(turn: Turn) -> None:
    """Raises NotAllowed unless the actor holds a role that manages the procedure, and is not the subject."""
    assert turn.actor is not None  # only jobs act for nobody, and they do not ask
    roles = directory.roles_of(turn.unit.connection, turn.actor)
    if turn.actor == turn.case.subject_id or not roles & rules_of(turn.deployed.files).managers:
        raise NotAllowed(reason="only managers of this procedure can do it")


def must_say(reason: str) -> str:
    """Raises NotAllowed for an empty reason, and one that nobody would read."""
    if not reason.strip():
        raise NotAllowed(reason="a reason is needed")
    if len(reason) > 5000:
        raise NotAllowed(reason="a reason has at most 5000 characters")
    return reason.strip()
