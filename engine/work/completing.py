"""Work that no chain describes: complete it with its form, store what is uploaded for it, keep a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .. import documents
from ..db import Statement, Unit
from ..errors import NotAllowed, NotFound
from ..items import finish
from ..models import Document, Draft, SignOff, WorkRound
from ..ports import NO_FORM, File, Json
from .tasks import Task, draft_purpose, permissions, task

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
        clean = _checked(work, values, locale)
        _approved(work)
        finish(work.turn, item_id, work.element.id, work.instance, clean, drafts=work.drafts)
        work.turn.commit()


def attach(services: Services, item_id: str, *, actor: str, files: Mapping[str, Sequence[File]]) -> dict[str, list[str]]:
    """Store uploads before their form is checked, so that a mistake elsewhere in it never costs a file; ids by field.

    Raises as `complete`, and the errors of `documents.checked`.
    """
    with services.database.unit() as unit:
        work = _task(services, unit, item_id, actor, None)
        assert work is not None  # only a repeated request gives none
        stored = documents.store_uploads(work.turn, files, element=work.element.id)
        work.turn.commit()
    return stored


def save_draft(services: Services, item_id: str, *, actor: str, values: Mapping[str, Json]) -> None:
    """Keep what the person typed, for them alone; it goes when the item closes. Raises as `complete`."""
    with services.database.unit() as unit:
        _task(services, unit, item_id, actor, None)
        sealed = services.keyring.seal_json(dict(values), draft_purpose(item_id, actor))
        connection = unit.connection
        connection.execute(sa.delete(Draft).where(Draft.item_id == item_id, Draft.person_id == actor))
        connection.execute(sa.insert(Draft).values(item_id=item_id, person_id=actor, values=sealed, saved_at=services.clock.now()))
        unit.commit()


def _task(services: Services, unit: Unit, item_id: str, actor: str, request_id: str | None) -> Task | None:
    """As `task`. Raises NotAllowed, too, for a step of a chain: nothing would become of what is filled in."""
    work = task(services, unit, item_id, actor, request_id)
    if work is not None and work.chain_id:
        raise NotAllowed(reason="this step is approved or rejected, not completed")
    return work


def _checked(work: Task, values: Mapping[str, Json], locale: str) -> dict[str, Json]:
    """The clean values of the item's form; documents in it must be the case's own. Raises FormInvalid, NotFound."""
    turn = work.turn
    form = turn.services.programs.form(turn.deployed, work.element) or NO_FORM
    forms = turn.services.forms
    clean = forms.check(form, values, turn.execution.seen(work.instance), permissions=permissions(work.element), locale=locale)
    if named := set(forms.documents(form, clean)):
        own = turn.unit.connection.execute(sa.select(Document.id).where(Document.case_id == turn.case.id, Document.id.in_(named))).scalars()
        for missing in named - set(own):
            raise NotFound(what="document in this case", name=missing)
    return clean


def _approved(work: Task) -> None:
    """The sign-off is given; what was filled in stands in the ledger."""
    turn = work.turn
    turn.unit.write(_DECIDE, sign_off_id=work.sign_off_id, actor=turn.actor, at=turn.now)
    if work.round_id:
        turn.unit.write(_CLOSE_ROUND, round_id=work.round_id, at=turn.now)
