"""Trying a chain before it is in force: who would sign for somebody, for whom nobody would, and which open cases would differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import choices, situations
from ..errors import PartwellError, Sentence
from ..models import Case, Chain, Person, ProcedureVersion, WorkItem, WorkRound, WorkStep
from ..ports import Json
from ..rules import rules_of
from ..timeline import title_en
from . import choosing, forecast, resolve, rules
from .company import Company, Member
from .faults import Fault
from .resolve import Resolved
from .situation import Situation

if TYPE_CHECKING:
    from ..services import Services

Steps = Sequence[Mapping[str, Json]]
#: people named where nobody signs for them
_NAMED = 5
#: open items that are compared
_ITEMS = 500


def who_signs(connection: sa.Connection, steps: Steps, case: Situation) -> list[Resolved]:
    """Every step of a chain for one situation; steps whose condition is not met are `unreached`, those for which somebody chooses
    `unknown`."""
    return forecast.expected(Company(connection, case.at), steps, case, {forecast.INITIATOR, forecast.SIGNER})


def managers(services: Services, connection: sa.Connection, key: str) -> list[list[str]]:
    """The managers' roles of each procedure whose work names the chain, or finds the name of one by an expression; each list once."""
    found = set()
    for version in connection.execute(sa.select(ProcedureVersion.id).where(ProcedureVersion.active)).scalars():
        deployed = services.programs.get(version)
        named = {element.properties.get("wf.chain", "") for element in deployed.program.elements.values()}
        if key in named or any(name.startswith("=") for name in named):
            found.add(tuple(sorted(rules_of(deployed.files).managers)))
    return [list(roles) for roles in sorted(found)] or [["admin"]]


def unresolved(company: Company, key: str, steps: Steps, managers: Sequence[str]) -> list[Fault]:
    """Steps that nobody would sign for somebody who works here, each with the first of these people.

    `managers`: the roles that take what nobody else can. A step fails where the last rule found nobody and what it says for that
    case ends with an administrator having to look, and where its rules find nobody for anybody. Whom only a case can tell is left to
    the case.
    """
    people = [member for member in company.members if member.here and member.employee_no]
    found = []
    for number, step in enumerate(steps):
        if any(rules.of_nobody(rule) for rule in step["approvers"]) or not people:
            continue
        plain = {name: value for name, value in step.items() if name != "when"}
        stuck, reached = _tried(company, key, plain, people, managers)
        if not reached:
            found.append(Fault(number, "approvers", Sentence("its rules find nobody for anybody who works here"), str(step["name"])))
        elif stuck:
            names = "、".join(member.name for member in stuck[:_NAMED])
            said = Sentence("nobody would sign for {count} people: {names} …" if len(stuck) > _NAMED else "nobody would sign for {names}")
            found.append(Fault(number, "approvers", Sentence(said.template, {"count": len(stuck), "names": names}), str(step["name"])))
    return found


def _tried(
    company: Company, key: str, step: Mapping[str, Json], people: Sequence[Member], managers: Sequence[str]
) -> tuple[list[Member], bool]:
    """For whom nobody would sign, and whether the rules find somebody for anybody.

    Who would start the case is not known: it is taken to be the subject, whom every step leaves out anyway. People who stand in the
    same place have the same signers, unless they are among those themselves: one of each is tried.
    """
    outcomes: dict[tuple[Any, ...], tuple[bool, Set[str]]] = {}
    stuck, reached = [], False
    for member in people:
        place = (member.department, member.manager, member.entity, member.region)
        known = outcomes.get(place)
        if known is None or member.id in known[1]:
            case = Situation(subject=member.id, initiator=member.id, at=company.at, chain=key, managers=managers)
            resolved = resolve.one(company, step, case)
            tried = resolved.trace["tried"]
            seen = {one["id"] for rule in tried for one in rule["candidates"]}
            reached = reached or any(len(rule["candidates"]) > len(rule["dropped"]) for rule in tried)
            known = (resolved.outcome == "incident", seen)
            outcomes.setdefault(place, known)
        if known[0]:
            stuck.append(member)
    return stuck, reached


@dataclass(frozen=True, kw_only=True)
class OpenItem:
    """An open work item whose remaining steps would be signed otherwise."""

    item_id: str
    case_id: str
    number: str
    title: str
    title_en: str
    #: number of the version that it began with
    version: int
    before: Sequence[Resolved]
    after: Sequence[Resolved]


def open_items(services: Services, key: str, steps: Steps) -> tuple[list[OpenItem], int]:
    """Open items of a chain that these steps would change, and how many were looked at. Nothing is moved.

    Compared is who would sign the steps that are not decided yet; steps are the same where their key is.
    """
    now = services.clock.now()
    found = []
    with services.database.reading() as connection:
        rows = connection.execute(
            sa.select(
                WorkItem.id.label("item_id"),
                WorkItem.instance,
                WorkItem.case_id,
                Case.number,
                Case.title,
                Case.version_id,
                Case.procedure,
                Case.subject_id,
                Case.initiator_id,
                Case.state,
                Chain.number.label("version"),
                Chain.steps,
                Person.name.label("subject"),
            )
            .join(Case, Case.id == WorkItem.case_id)
            .join(Person, Person.id == Case.subject_id)
            .join(Chain, Chain.id == WorkItem.chain_id)
            .where(Chain.key == key, WorkItem.status == "open")
            .order_by(WorkItem.opened_at, WorkItem.id)
            .limit(_ITEMS)
        ).all()
        company = Company(connection, now)
        for row in rows:
            before, after = _compared(services, company, row, steps, key)
            if [(one.key, one.persons, one.outcome) for one in before] != [(one.key, one.persons, one.outcome) for one in after]:
                own = {name: getattr(row, name) for name in ("item_id", "case_id", "number", "title", "version")}
                english = title_en(services, row.version_id, row.subject)
                found.append(OpenItem(**own, title_en=english, before=before, after=after))
    return found, len(rows)


def _compared(services: Services, company: Company, row: Any, steps: Steps, key: str) -> tuple[list[Resolved], list[Resolved]]:
    """Who would sign what is left of an item by the steps it has, and by the new ones."""
    deployed = services.programs.get(row.version_id)
    try:
        state = services.keyring.unseal(row.state, f"cases.state/{row.case_id}")
        variables = deployed.program.restore(state).variables(row.instance)
    except PartwellError:
        variables = {}
    standing = sa.select(sa.func.max(WorkStep.position)).join(WorkRound, WorkRound.step_id == WorkStep.id)
    place = company.connection.execute(standing.where(WorkStep.item_id == row.item_id, WorkRound.closed_at.is_(None))).scalar() or 0
    done = {step["key"] for step in row.steps[:place]}
    case = Situation(
        subject=row.subject_id,
        initiator=row.initiator_id,
        at=company.at,
        variables=variables,
        managers=sorted(rules_of(deployed.files).managers),
        procedure=row.procedure,
        chain=key,
        signed=situations.signed_by(company.connection, row.item_id, row.steps, place),
        chosen=choices.latest(choices.stored(company.connection, row.case_id), key, row.item_id) if choosing.asks(row.steps) else {},
    )
    left = ([step for step in each if step["key"] not in done] for each in (row.steps, steps))
    before, after = (resolve.chain(company, each, case) for each in left)
    return before, after
