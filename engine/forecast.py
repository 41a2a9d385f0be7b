"""审批人预测: which approvals a case will come to, who would sign them as of now and why; before it is started, and while it runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import access, cases, choices, procedures
from .bpmn import expressions
from .bpmn.order import Ahead, ahead
from .casefile import restored
from .chains import choosing, forecast, versions
from .chains.company import Company
from .chains.situation import Situation
from .chainview import StepView, to_come
from .errors import FeelError, FormInvalid, NotFound
from .people import directory
from .ports import NO_FORM, Json
from .rules import rules_of

if TYPE_CHECKING:
    from .services import Services


@dataclass(frozen=True, kw_only=True)
class Approval:
    """An approval to which a case can come."""

    element: str
    name: str
    name_en: str
    #: False: the way that the case takes may lead past it
    certain: bool
    #: key of its chain; "" where that is found by an expression and cannot be told yet
    chain: str
    #: the version of the procedure on which the case runs, or would run
    version_id: str
    steps: Sequence[StepView]


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What a case that might be started would come to."""

    asked: Sequence[choices.Asked]
    approvals: Sequence[Approval]


def before_start(
    services: Services,
    *,
    procedure: str,
    initiator: str,
    subject: str,
    values: Mapping[str, Json],
    chosen: choices.Chosen,
    locale: str = "zh-CN",
) -> Outlook:
    """For `cases.start` with the same arguments, of which nothing is stored; values that the form refuses are not known yet.

    Raises NotFound, NotAllowed.
    """
    now = services.clock.now()
    today = directory.day(now)
    with services.database.reading() as connection:
        version = connection.execute(procedures.ACTIVE.clause, {"procedure": procedure}).first()
        if version is None:
            raise NotFound(what="deployed procedure", name=procedure)
        deployed = services.programs.get(version.id)
        cases.may_start(connection, rules_of(deployed.files), initiator, subject, today)
        who = {role: directory.display(connection, person, today) for role, person in (("subject", subject), ("initiator", initiator))}
        form = deployed.forms.get(deployed.program.start_form or "", NO_FORM)
        variables = {**_accepted(services, form, values, locale), "case": {"started_at": now.isoformat(timespec="seconds")}, **who}
        case = choices.before_start(deployed, subject, initiator, now, variables)
        company = Company(connection, now)
        may_come = {forecast.INITIATOR, forecast.SIGNER, forecast.VALUES}
        approvals = _approvals(connection, company, version.id, ahead(deployed.program, choices.chained), case, may_come, chosen)
        return Outlook(asked=choices.asked_of_initiator(company, deployed.program, case), approvals=approvals)


def of_case(services: Services, case_id: str, *, reader: str) -> list[Approval]:
    """The approvals ahead of a running case, without those that are open. None for the employee concerned.

    Raises NotFound, NotAllowed.
    """
    with services.database.reading() as connection:
        row = access.case_row(connection, case_id)
        deployed = services.programs.get(row.version_id)
        rules = rules_of(deployed.files)
        if access.sight(connection, row, rules, reader).subject or row.status == "closed":
            return []
        execution = restored(services, connection, row)
        found = ahead(deployed.program, choices.chained, standing=execution.places())
        case = Situation(
            subject=row.subject_id,
            initiator=row.initiator_id,
            at=services.clock.now(),
            variables=execution.variables(),
            managers=sorted(rules.managers),
            procedure=row.procedure,
        )
        stored = choices.stored(connection, case_id)
        chosen = {key: choices.latest(stored, key, None) for key in {choice.chain for choice in stored}}
        may_come = {forecast.SIGNER, forecast.VALUES}
        return _approvals(connection, Company(connection, case.at), row.version_id, found, case, may_come, chosen)


def _approvals(
    connection: sa.Connection,
    company: Company,
    version_id: str,
    found: Sequence[Ahead],
    case: Situation,
    may_come: Collection[str],
    chosen: choices.Chosen,
) -> list[Approval]:
    approvals = []
    for task in found:
        chain = _chain(company, task.element.properties["wf.chain"], case)
        steps: list[StepView] = []
        if chain is not None:
            own = {key: choosing.named(company, persons) for key, persons in chosen.get(chain.key, {}).items()}
            steps = to_come(connection, forecast.expected(company, chain.steps, replace(case, chain=chain.key, chosen=own), may_come))
        element = task.element
        named = {"element": element.id, "name": element.title, "name_en": element.name_en or element.title, "version_id": version_id}
        approvals.append(Approval(**named, certain=task.certain, chain=chain.key if chain else "", steps=steps))
    return approvals


def _chain(company: Company, text: str, case: Situation) -> Any:
    """The version that would serve now; None for an expression that cannot be evaluated yet, or a chain that is not there."""
    try:
        key = expressions.evaluate(text[1:], case.variables, now=case.at) if text.startswith("=") else text
        return versions.active(company.connection, str(key), company.at)
    except (FeelError, NotFound):
        return None


def _accepted(services: Services, form: Mapping[str, Json], values: Mapping[str, Json], locale: str) -> dict[str, Json]:
    """The values as they would be kept, as far as the form takes them."""
    try:
        return services.forms.check(form, values, {}, permissions={}, locale=locale)
    except FormInvalid as invalid:
        refused = {re.split(r"[.\[]", path)[0] for path in invalid.fields}
    left = {name: value for name, value in values.items() if name not in refused}
    try:
        return services.forms.check(form, left, {}, permissions=dict.fromkeys(refused, "readonly"), locale=locale)
    except FormInvalid:
        return left
