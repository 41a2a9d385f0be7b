"""The approvals of a case: each work item that a chain describes, with its rounds so far and what is still to come."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from . import access
from .casefile import restored
from .chainview import StepView, chain_view
from .errors import NotFound
from .itemform import item_form
from .models import WorkItem
from .ports import Json
from .rules import rules_of
from .timeline import element_of, versions_of

if TYPE_CHECKING:
    from .services import Services

#: the latest that are told
_MOST = 20


@dataclass(frozen=True, kw_only=True)
class Approval:
    """One work item with its chain."""

    #: of the work item
    id: str
    name: str
    name_en: str
    status: str
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    #: key of the chain, and the version of the procedure on which the case runs
    chain: str
    version_id: str
    #: form-js schema, as far as the reader sees it, for what was filled in with a sign-off
    form: Mapping[str, Json] | None
    steps: Sequence[StepView]


def approvals(services: Services, case_id: str, *, reader: str, limit: int | None = _MOST) -> list[Approval]:
    """The newest first, at most `limit`, as far as the reader sees them; whom the case is about sees none. Raises NotFound, NotAllowed."""
    with services.database.reading() as connection:
        case = access.case_row(connection, case_id)
        rules = rules_of(services.programs.get(case.version_id).files)
        sight = access.sight(connection, case, rules, reader)
        if sight.subject:
            return []
        chained = sa.select(WorkItem.__table__).where(WorkItem.case_id == case_id, WorkItem.chain_id.is_not(None))
        items = connection.execute(chained.order_by(WorkItem.opened_at.desc(), WorkItem.id.desc()).limit(limit)).all()
        if not items:
            return []
        execution = restored(services, connection, case)
        found = []
        for item in items:
            told = sight.whole or access.hears(connection, case_id, reader, item.id)
            variables = functools.partial(execution.variables, item.instance)
            known = element_of(versions_of(services, connection, case), item.element)
            if known is None:
                raise NotFound(what="step", name=item.element)
            form = item_form(services, connection, known, item, reader, told=told)
            seen = chain_view(services, connection, item, case, rules, reader, variables, told=told, form=form)
            named = {name: getattr(item, name) for name in ("id", "name", "name_en", "status", "opened_at", "closed_at")}
            found.append(Approval(**named, chain=seen.chain, version_id=case.version_id, form=form.schema, steps=seen.steps))
        return found
