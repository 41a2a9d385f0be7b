"""The procedures that somebody manages, each with its active version and its draft."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..models import ProcedureDraft, ProcedureVersion
from ..people import directory
from ..rules import rules_of
from . import drafts, events, rows

if TYPE_CHECKING:
    from ..services import Services


@dataclass(frozen=True, kw_only=True)
class ProcedureRow:
    """One procedure, for a list."""

    procedure: str
    name: str
    name_en: str
    #: number of the active version, None while there is none
    active: int | None
    #: of the active version
    deployed_at: dt.datetime | None
    #: number of the version that waits to become active, and when it does
    coming: int | None
    coming_at: dt.datetime | None
    #: when the draft was changed last, and by whom; None without a draft
    draft_at: dt.datetime | None
    draft_by: str
    #: whether a scheduled version could not become active and nobody has done anything about it
    failed: bool


def procedures(services: Services, connection: sa.Connection, *, actor: str) -> list[ProcedureRow]:
    """By name; those without an active version only for whoever begins new ones."""
    held = directory.roles_of(connection, actor)
    active = {row.procedure: row for row in connection.execute(sa.select(ProcedureVersion.__table__).where(ProcedureVersion.active))}
    coming = {
        row.procedure: row
        for row in connection.execute(sa.select(ProcedureVersion.__table__).where(ProcedureVersion.scheduled_at.is_not(None)))
    }
    begun = {
        row.procedure: row for row in connection.execute(sa.select(ProcedureDraft.__table__).where(ProcedureDraft.begun_at.is_not(None)))
    }
    found = []
    for key in active.keys() | coming.keys() | begun.keys():
        version, next_one = active.get(key), coming.get(key)
        managers = rules_of(services.programs.get(version.id).files).managers if version is not None else {rows.FOUNDERS}
        if not held & managers:
            continue
        last = events.last(connection, key) if key in begun else None
        shown = version or next_one or drafts.named(connection, key)
        found.append(
            ProcedureRow(
                procedure=key,
                name=shown.name,
                name_en=shown.name_en,
                active=version.number if version is not None else None,
                deployed_at=version.deployed_at if version is not None else None,
                coming=next_one.number if next_one is not None else None,
                coming_at=next_one.scheduled_at if next_one is not None else None,
                draft_at=last.at if last is not None else None,
                draft_by=(last.who or "") if last is not None else "",
                failed=events.failure(connection, key) is not None,
            )
        )
    return sorted(found, key=lambda row: (row.name, row.procedure))
