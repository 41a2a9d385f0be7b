"""The procedures that somebody has to do with: what they may do there, which version serves, what is in hand and what is drafted."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..errors import NotAllowed, NotFound
from ..models import Case, Incident, ProcedureDraft, ProcedureVersion
from ..people import directory
from ..rules import Rules, rules_of
from . import drafts, events, rows

if TYPE_CHECKING:
    from ..services import Services


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What somebody may do with a procedure; whoever may do nothing does not see it."""

    #: edit, try and publish it, say which version serves, and repair its cases
    manages: bool
    #: see how all its cases go
    reads: bool
    #: start a case of it
    starts: bool

    @property
    def any(self) -> bool:
        return self.manages or self.reads or self.starts


@dataclass(frozen=True, kw_only=True)
class ProcedureRow:
    """One procedure, for a list and for its own page."""

    procedure: str
    name: str
    name_en: str
    rights: Rights
    #: number of the active version, None while there is none
    active: int | None
    #: of the active version
    deployed_at: dt.datetime | None
    #: whether the active version is at rest
    suspended: bool
    #: cases that are not closed and how many incidents they have, none about the reader; None for whoever does not read them
    running: int | None
    incidents: int | None
    #: for managers: number of the version that waits to become active, and when it does
    coming: int | None
    coming_at: dt.datetime | None
    #: for managers: when the draft was changed last, and by whom; None without a draft
    draft_at: dt.datetime | None
    draft_by: str
    #: for managers: whether a scheduled version could not become active and nobody has done anything about it
    failed: bool


def procedures(services: Services, connection: sa.Connection, *, actor: str) -> list[ProcedureRow]:
    """By name; those without an active version only for whoever begins new ones."""
    found = _known(services, connection, actor)
    return sorted(found, key=lambda row: (row.name, row.procedure))


def procedure(services: Services, connection: sa.Connection, key: str, *, actor: str) -> ProcedureRow:
    """One of them. Raises NotFound, NotAllowed."""
    found = next(iter(_known(services, connection, actor, key)), None)
    if found is None:
        if rows.active_version(connection, key) is None:
            raise NotFound(what="deployed procedure", name=key)
        raise NotAllowed(reason="your role has nothing to do with this procedure")
    return found


def rights(own: Rules | None, held: frozenset[str]) -> Rights:
    """Of whoever holds these roles; `own`: rules of the active version, None while there is none."""
    if own is None:
        return Rights(manages=rows.FOUNDERS in held, reads=False, starts=False)
    manages = bool(held & own.managers)
    return Rights(manages=manages, reads=manages or bool(held & own.readers), starts=own.starts(held))


def _known(services: Services, connection: sa.Connection, actor: str, only: str | None = None) -> list[ProcedureRow]:
    held = frozenset(directory.roles_of(connection, actor))
    active = _by_procedure(connection, ProcedureVersion, ProcedureVersion.active, only)
    coming = _by_procedure(connection, ProcedureVersion, ProcedureVersion.scheduled_at.is_not(None), only)
    begun = _by_procedure(connection, ProcedureDraft, ProcedureDraft.begun_at.is_not(None), only)
    running, incidents = _in_hand(connection, actor, only)
    found = []
    for key in active.keys() | coming.keys() | begun.keys():
        version = active.get(key)
        may = rights(rules_of(services.programs.get(version.id).files) if version is not None else None, held)
        if not may.any:
            continue
        next_one = coming.get(key) if may.manages else None
        last = events.last(connection, key) if may.manages and key in begun else None
        shown = version or next_one or drafts.named(connection, key)
        found.append(
            ProcedureRow(
                procedure=key,
                name=shown.name,
                name_en=shown.name_en,
                rights=may,
                active=version.number if version is not None else None,
                deployed_at=version.deployed_at if version is not None else None,
                suspended=version is not None and version.suspended,
                running=running.get(key, 0) if may.reads else None,
                incidents=incidents.get(key, 0) if may.reads else None,
                coming=next_one.number if next_one is not None else None,
                coming_at=next_one.scheduled_at if next_one is not None else None,
                draft_at=last.at if last is not None else None,
                draft_by=(last.who or "") if last is not None else "",
                failed=may.manages and events.failure(connection, key) is not None,
            )
        )
    return found


def _by_procedure(
    connection: sa.Connection, table: Any, which: sa.ColumnExpressionArgument[bool], only: str | None
) -> dict[str, sa.Row[Any]]:
    chosen = (which,) if only is None else (which, table.procedure == only)
    return {row.procedure: row for row in connection.execute(sa.select(table.__table__).where(*chosen))}


def _in_hand(connection: sa.Connection, actor: str, only: str | None) -> tuple[dict[str, int], dict[str, int]]:
    """By procedure: cases that are not closed, and their open incidents; whoever a case is about learns nothing of it here."""
    which = [Case.status != "closed", Case.subject_id != actor]
    if only is not None:
        which.append(ProcedureVersion.procedure == only)
    cases = sa.select(ProcedureVersion.procedure, sa.func.count()).join(Case, Case.version_id == ProcedureVersion.id).where(*which)
    open_ones = cases.join(Incident, Incident.case_id == Case.id).where(Incident.resolved_at.is_(None))
    running, incidents = (connection.execute(asked.group_by(ProcedureVersion.procedure)).all() for asked in (cases, open_ones))
    return {row[0]: row[1] for row in running}, {row[0]: row[1] for row in incidents}
