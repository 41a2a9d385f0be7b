"""批量审批: several work items approved one after another, each in a transaction of its own and with its own answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..chains import giving
from ..errors import FormInvalid, PartwellError
from ..locking import part_of
from ..models import Case, Chain, ProcedureVersion, SignOff, WorkItem, WorkRound, WorkStep
from ..ports import Json
from ..signing import deciding as signing
from .deciding import approve
from .roundrows import SIGNER, offers, round_of, rows_of

if TYPE_CHECKING:
    from ..services import Services

#: items of one request
MOST = 100


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of one item."""

    item: str
    #: why it was not approved; None where it was
    error: PartwellError | None


def approve_together(services: Services, item_ids: Sequence[str], *, actor: str, request_id: str) -> list[Answer]:
    """同意 for each item whose step allows it, each with its own answer; sent again it changes nothing.

    The errors in the answers are those of `approve`, and NotAllowed for a step that is signed one by one. Raises FormInvalid for none
    and for more than `MOST`, of which nothing is done then.
    """
    wanted = list(dict.fromkeys(item_ids))
    if not 1 <= len(wanted) <= MOST:
        raise FormInvalid({"items": ["Choose 1 to 100 items."]})
    answers = []
    for item_id in wanted:
        error: PartwellError | None = None
        try:
            approve(services, item_id, actor=actor, request_id=part_of(request_id, item_id), together=True)
        except PartwellError as refused:
            error = refused
        answers.append(Answer(item=item_id, error=error))
    return answers


def approvable(connection: sa.Connection, chains: Mapping[str, str], reader: str) -> set[str]:
    """Which of these open items `approve_together` would approve now. `chains`: id of an item → id of its chain's version."""
    known = connection.execute(sa.select(Chain.id, Chain.steps).where(Chain.id.in_(set(chains.values()))))
    steps: dict[str, Sequence[Mapping[str, Json]]] = {
        row.id: row.steps for row in known if any(giving.of(step).batch for step in row.steps)
    }
    items = [item for item, chain in chains.items() if chain in steps]
    if not items:
        return set()
    rows: dict[str, list[Any]] = {}
    for row in connection.execute(_rounds(items, reader)):
        rows.setdefault(row.item_id, []).append(row)
    return {item for item, own in rows.items() if _works(own, steps[chains[item]], reader)}


def _rounds(items: Sequence[str], reader: str) -> sa.Select[Any]:
    """The open rounds of these items, of cases that may move now."""
    columns: tuple[Any, ...] = (
        WorkItem.id.label("item_id"),
        Case.subject_id,
        WorkStep.mode,
        WorkStep.position.label("step_position"),
        WorkRound.number.label("round_number"),
        WorkRound.outcome,
        *SIGNER,
        *offers(reader),
    )
    return (
        sa.select(*columns)
        .join(Case, Case.id == WorkItem.case_id)
        .join(ProcedureVersion, ProcedureVersion.id == Case.version_id)
        .join(WorkStep, WorkStep.item_id == WorkItem.id)
        .join(WorkRound, WorkRound.step_id == WorkStep.id)
        .join(SignOff, SignOff.round_id == WorkRound.id)
        .where(WorkItem.id.in_(items), WorkItem.status == "open", WorkRound.outcome.is_(None))
        .where(Case.status == "running", ~ProcedureVersion.suspended)
        .order_by(WorkItem.id, WorkStep.position, WorkRound.number, SignOff.position)
    )


def _works(rows: Sequence[Any], steps: Sequence[Mapping[str, Json]], reader: str) -> bool:
    """`rows`: of one item."""
    place = max((row.step_position, row.round_number) for row in rows)
    if not giving.of(steps[place[0]]).batch:
        return False
    barred = {rows[0].subject_id: "nobody decides in a case about themselves"}
    try:
        signing.approve(round_of(rows_of(rows, place), steps[place[0]], barred, reader), reader)
    except PartwellError:
        return False
    return True
