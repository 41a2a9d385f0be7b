"""The case as a step of its chain is resolved for it now: who signed the steps before, what has changed since, and whom somebody chose."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import choices, marks, sign_offs
from .bpmn.model import Element
from .bpmn.names import fields as form_fields
from .chains import choosing
from .chains.situation import Situation
from .fields import Keyring
from .models import SignOff, WorkRound, WorkStep
from .ports import Json
from .rules import rules_of

if TYPE_CHECKING:
    from .rounds import Chained
    from .turn import Turn

#: outcome of a round that was opened by what somebody has taken back since: it counts as if it had never been
WITHDRAWN = "withdrawn"
#: policy in the trace of a pass through a step in which what was signed before is kept
KEPT = "kept"


def situation(
    turn: Turn,
    instance: str | None,
    *,
    chain: str | None = None,
    signed: Mapping[str, Sequence[str]] = MappingProxyType({}),
    chosen: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Situation:
    """The case as a step is resolved for it now. `instance`: whose variables are seen; None: those of the process."""
    return Situation(
        subject=turn.case.subject_id,
        initiator=turn.case.initiator_id,
        at=turn.now,
        variables=turn.execution.seen(instance),
        signed=signed,
        chosen=chosen,
        managers=sorted(rules_of(turn.deployed.files).managers),
        procedure=turn.case.procedure,
        chain=chain,
        draw=secrets.randbelow,
    )


def at_step(turn: Turn, item: Chained, place: int, before: Mapping[str, Sequence[str]] = MappingProxyType({})) -> Situation:
    """The case as the step at this place of the item's chain is resolved for it now: with who approved which step before, what has
    changed since under their names, and whom somebody chose. `before`: as in `open_step`.
    """
    steps = item.chain.steps
    approvals = _approvals(turn.unit.connection, item.id, place) if place else []
    given = _signed(approvals, steps, before) if place else {}
    chosen = choices.of(turn, item.chain.key, item.id) if choosing.asks(steps) else {}
    case = situation(turn, item.instance, chain=item.chain.key, signed=given, chosen=chosen)
    return replace(case, changed=_changed(turn, item, approvals))


def signed_by(
    connection: sa.Connection,
    item_id: str,
    steps: Sequence[Mapping[str, Json]],
    position: int,
    before: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, Sequence[str]]:
    """Key of each step before this one -> who approved it in its last round, in their own name. `before`: as in `open_step`."""
    return _signed(_approvals(connection, item_id, position), steps, before)


def _approvals(connection: sa.Connection, item_id: str, position: int) -> list[Any]:
    """What was approved in each earlier step in its last round, by somebody in their own name. A pass that kept what was signed before
    leaves that the last one; any other counts, also where nobody signed it.
    """
    kept = sa.and_(WorkRound.outcome == "skipped", WorkRound.trace["policy"].as_string() == KEPT)
    rows = connection.execute(
        sa.select(
            *(WorkStep.position.label("step_position"), WorkRound.number, WorkRound.outcome),
            *(SignOff.id.label("sign_off_id"), SignOff.state, SignOff.decided_by, SignOff.for_id, SignOff.answer),
        )
        .join(WorkRound, WorkRound.step_id == WorkStep.id)
        .outerjoin(SignOff, SignOff.round_id == WorkRound.id)
        .where(WorkStep.item_id == item_id, WorkStep.position < position)
        .where(sa.or_(WorkRound.outcome.is_(None), sa.and_(WorkRound.outcome != WITHDRAWN, ~kept)))
        .order_by(WorkStep.position, WorkRound.number, SignOff.position)
    ).all()
    last = {row.step_position: row.number for row in rows}
    approved = [row for row in rows if row.number == last[row.step_position] and row.state == "approved" and row.decided_by]
    return [row for row in approved if row.for_id in (None, row.decided_by)]


def _signed(approvals: Sequence[Any], steps: Sequence[Mapping[str, Json]], before: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Key of each earlier step, in their order -> who approved it in its last round, or `before`, which was just now."""
    signed: dict[str, list[str]] = {}
    for row in approvals:
        if row.outcome == "approved":
            signed.setdefault(steps[row.step_position]["key"], []).append(row.decided_by)
    given = {**signed, **before}
    return {step["key"]: given[step["key"]] for step in steps if step["key"] in given}


def _changed(turn: Turn, item: Chained, approvals: Sequence[Any]) -> dict[str, dict[str, Set[str]]]:
    element = turn.deployed.program.elements[item.element]
    form = turn.services.programs.form(turn.deployed, element) if approvals else None
    if form is None:
        return {}
    now = turn.execution.seen(item.instance)
    return changed_since(turn.unit.keyring, turn.case.id, item.chain.steps, approvals, form_variables(element, form), now)


def changed_since(
    keyring: Keyring,
    case_id: str,
    steps: Sequence[Mapping[str, Json]],
    approvals: Iterable[Any],
    names: Set[str],
    values: Mapping[str, Json],
) -> dict[str, dict[str, Set[str]]]:
    """As `Situation.changed`. `approvals`: rows with `step_position`, `sign_off_id`, `decided_by` and `answer`."""
    found: dict[str, dict[str, Set[str]]] = {}
    now = marks.marks(keyring, case_id, {name: values[name] for name in names if name in values})
    for row in approvals:
        said = keyring.unseal_json(row.answer, sign_offs.answer_purpose(row.sign_off_id)) if row.answer is not None else {}
        if (before := said.get("seen")) is not None and (different := marks.changed(before, now, names)):
            found.setdefault(steps[row.step_position]["key"], {})[row.decided_by] = different
    return found


def form_variables(element: Element, form: Mapping[str, Json]) -> set[str]:
    """The case variables in which the values of an item's form lie, but for those that the diagram hides from everybody who signs."""
    shown = (name for name in form_fields(form) if element.properties.get(f"wf.field.{name}") != "hidden")
    return {name.partition(".")[0] for name in shown}


def without_signers_choices(case: Situation, steps: Sequence[Mapping[str, Json]]) -> Situation:
    """The same without what signers chose before, since they are asked again."""
    asking = {step["key"] for step in steps if choosing.rule_of(step, choosing.BY_SIGNER)}
    return replace(case, chosen={key: persons for key, persons in case.chosen.items() if key not in asking})
