"""Work that ended with a return, and is open again since the return was taken back: as it stood, with everybody who had to sign it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import dues, sign_offs
from .bpmn.model import Element
from .db import Statement
from .errors import WayClosed
from .models import Candidate, Job, SignOff, WorkItem, WorkRound, WorkStep
from .signing.round import Round
from .signing.turns import whose_turn

if TYPE_CHECKING:
    from .turn import Turn

OPEN = Statement(sa.update(WorkItem).where(WorkItem.id == sa.bindparam("item_id")).values(status="open", closed_at=None))
_OPEN_ROUND = Statement(sa.update(WorkRound).where(WorkRound.id == sa.bindparam("round_id")).values(closed_at=None, outcome=None))
_UNLAPSED = Statement(sa.update(SignOff).where(SignOff.id == sa.bindparam("sign_off_id")).values(state=sa.bindparam("new_state")))
RING_AGAIN = Statement(
    sa.update(Job)
    .where(Job.id == sa.bindparam("job_id"))
    .values(state="waiting", attempts=0, finished_at=None, lease=None, lease_until=None)
)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """An open work item that ended without an answer."""

    #: its row
    item: Any
    #: the row of its round that was open, None where it had none
    round: Any
    #: rows of the round's sign-offs, or of the item's, in their order
    rows: Sequence[Any]
    #: jobs that ring when the time for a sign-off is over
    jobs: Sequence[Any]


def ended(connection: sa.Connection, case_id: str, instances: Mapping[str, Element]) -> list[Ended]:
    """The items of these instances, as they ended. Raises WayClosed for one that did not, or cannot wait again."""
    found = []
    for instance, element in instances.items():
        item: Any = connection.execute(
            sa.select(WorkItem.__table__).where(WorkItem.case_id == case_id, WorkItem.instance == instance, WorkItem.status == "left")
        ).one_or_none()
        one = None if item is None else _ended(connection, item)
        if one is None:
            raise WayClosed(element=element.title, reason="work that ended with it cannot wait again")
        found.append(one)
    return found


def _ended(connection: sa.Connection, item: Any) -> Ended | None:
    """None where nobody could sign it: it waited for an administrator, an outside system, or the initiator's correction."""
    steps = sa.select(WorkRound.__table__, WorkStep.mode).join(WorkStep, WorkStep.id == WorkRound.step_id)
    rounds = connection.execute(steps.where(WorkStep.item_id == item.id, WorkRound.outcome == "left")).all()
    signed = sa.select(SignOff.__table__, SignOff.id.label("sign_off_id")).where(SignOff.item_id == item.id).order_by(SignOff.position)
    if item.chain_id is None:
        rows = connection.execute(signed).all()
    else:
        rows = connection.execute(signed.where(SignOff.round_id == rounds[0].id)).all() if len(rounds) == 1 else []
    if not rows:
        return None
    ids = [row.sign_off_id for row in rows]
    rang = sa.select(Job.id, Job.due_at).where(Job.case_id == item.case_id, Job.kind == dues.KIND, Job.instance.in_(ids))
    jobs = connection.execute(rang.where(Job.state == "dropped")).all()
    return Ended(item=item, round=rounds[0] if rounds else None, rows=rows, jobs=jobs)


def reopen(turn: Turn, ended: Collection[Ended]) -> None:
    """It waits again, and whoever may act in it is told."""
    unit = turn.unit
    for one in ended:
        unit.write(OPEN, item_id=one.item.id)
        if one.round is not None:
            unit.write(_OPEN_ROUND, round_id=one.round.id)
        lapsed = [number for number, row in enumerate(one.rows) if row.state == "lapsed" and row.because is None]
        signers = tuple(replace(sign_offs.signer(row), number=number) for number, row in enumerate(one.rows))
        round = Round(mode=one.round.mode if one.round is not None else "single", signers=signers)
        round = whose_turn(round.with_(*(replace(signers[number], state="waiting") for number in lapsed)))
        for number in lapsed:
            unit.write(_UNLAPSED, sign_off_id=one.rows[number].sign_off_id, new_state=round.signers[number].state)
            if round.signers[number].state == "open":
                _tell(turn, one.item.id, one.rows[number])
        for job in one.jobs:
            unit.write(RING_AGAIN, job_id=job.id)
            turn.services.carrier.defer(unit, job.id, job.due_at)


def _tell(turn: Turn, item_id: str, row: Any) -> None:
    if row.person_id:
        turn.tell("opened", [row.person_id], item=item_id)
        return
    offered = turn.unit.connection.execute(sa.select(Candidate.kind, Candidate.ref).where(Candidate.sign_off_id == row.sign_off_id)).all()
    persons = [one.ref for one in offered if one.kind == "person"]
    roles = [one.ref for one in offered if one.kind == "role"] + ([row.role] if row.role else [])
    turn.tell("offered", persons, roles=roles, item=item_id)
