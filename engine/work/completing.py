"""Forms of work items: complete work that no chain describes, store what is uploaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from .. import documents
from ..bpmn.model import Element
from ..db import Statement, Unit
from ..errors import NotAllowed
from ..items import finish
from ..models import SignOff, WorkItem, WorkRound
from ..ports import File, Json
from ..signing import deciding, turns
from ..turn import Turn
from . import filling
from .correcting import send_again
from .steps import by_name, step
from .tasks import Task, permissions, task

if TYPE_CHECKING:
    from ..services import Services

_DECIDE = Statement(
    sa.update(SignOff)
    .where(SignOff.id == sa.bindparam("sign_off_id"))
    .values(
        state="approved",
        person_id=sa.bindparam("actor"),
        decided_at=sa.bindparam("at"),
        decided_by=sa.bindparam("actor"),
    )
)
_CLOSE_ROUND = Statement(
    sa.update(WorkRound).where(WorkRound.id == sa.bindparam("round_id")).values(closed_at=sa.bindparam("at"), outcome="approved")
)


def complete(
    services: Services,
    item_id: str,
    *,
    actor: str,
    values: Mapping[str, Json],
    request_id: str,
    locale: str = "zh-CN",
) -> None:
    """Finish a work item that no chain describes, with the values of its form; unclaimed work is claimed by the same act.

    Files were stored before by `attach`, and `values` name their documents. The same `request_id` again changes nothing.
    Raises NotFound, NotAllowed, AlreadyDecided, ItemClosed, CaseNotRunning, VersionSuspended, FormInvalid.
    """
    with services.database.unit() as unit:
        work = _task(services, unit, item_id, actor, request_id)
        if work is None:
            return
        clean = filling.checked(
            work.turn, work.element, None if work.corrects else work.instance, permissions(work.element), values, locale
        )
        _approved(work)
        if work.corrects:
            send_again(work, clean)
        else:
            finish(work.turn, item_id, work.element.id, work.instance, clean, drafts=work.drafts)
        work.turn.commit()


def attach(
    services: Services, item_id: str, *, actor: str, files: Mapping[str, Sequence[File]], locale: str = "zh-CN"
) -> dict[str, list[str]]:
    """Store uploads before their form is checked, so that a mistake elsewhere in it never costs a file; ids by field.

    Raises as `complete`, FormInvalid for a type that its field does not take, and the errors of `documents.checked` and
    `documents.scanned`; in a step of a chain NotAllowed where nothing can be filled in.
    """
    documents.scanned(services, [file for held in files.values() for file in held])
    with services.database.unit() as unit, by_name(unit):
        at = filling_in(services, unit, item_id, actor)
        fitting = filling.fitting(at.turn, at.element, at.instance, at.access, files, locale)
        stored = documents.store_uploads(at.turn, fitting, element=at.element.id)
        at.turn.commit()
    return stored


class Filling(NamedTuple):
    """Where a form is filled in."""

    turn: Turn
    element: Element
    #: None: of the start form
    instance: str | None
    access: Mapping[str, str]


def filling_in(services: Services, unit: Unit, item_id: str, actor: str, *, only: Mapping[str, Json] | None = None) -> Filling:
    """Where somebody may fill in a form now: to complete the work, or to approve a step that opens a field.

    `only`: what they fill in; where that is nothing, it is enough in a step of a chain that it is their turn.
    """
    chained = unit.connection.execute(sa.select(WorkItem.chain_id).where(WorkItem.id == item_id)).scalar_one_or_none()
    if chained is None:
        work = _task(services, unit, item_id, actor, None)
        assert work is not None  # only a repeated request gives none
        return Filling(work.turn, work.element, None if work.corrects else work.instance, permissions(work.element))
    at = step(services, unit, item_id, actor, None)
    assert at is not None
    if only is not None and not only:
        turns.mine(at.round, actor)
        return Filling(at.turn, at.element, at.instance, at.access())
    deciding.approve(at.round, actor)
    if not filling.can_fill_in(at.access()):
        raise NotAllowed(reason="this step has nothing to fill in")
    return Filling(at.turn, at.element, at.instance, at.access())


def _task(services: Services, unit: Unit, item_id: str, actor: str, request_id: str | None) -> Task | None:
    """As `task`. Raises NotAllowed, too, for a step of a chain."""
    work = task(services, unit, item_id, actor, request_id)
    if work is not None and work.chain_id:
        raise NotAllowed(reason="this step is approved or rejected, not completed")
    return work


def _approved(work: Task) -> None:
    """The sign-off is given; what was filled in stands in the ledger."""
    turn = work.turn
    turn.unit.write(_DECIDE, sign_off_id=work.sign_off_id, actor=turn.actor, at=turn.now)
    if work.round_id:
        turn.unit.write(_CLOSE_ROUND, round_id=work.round_id, at=turn.now)
