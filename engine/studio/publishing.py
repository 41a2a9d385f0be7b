"""A draft becomes the next version, at once or at a set time: checked, with a reason, by another person where four eyes are asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import deploying, procedures
from ..bpmn import differences
from ..bpmn.differences import Change
from ..bpmn.findings import Finding
from ..cases import must_say
from ..db import Unit
from ..errors import (
    AlreadyPublished,
    DraftBehind,
    DraftGone,
    NotAllowed,
    NothingToPublish,
    PublishingScheduled,
    Sentence,
    TimePassed,
)
from . import checking, drafts, events, gate, rows, scheduling
from .drafts import Draft

if TYPE_CHECKING:
    from ..services import Services


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What publishing would do, and what stands against it."""

    draft: Draft
    files: Mapping[str, bytes]
    #: those of the active version
    present: Mapping[str, bytes]
    #: by file; an error refuses
    findings: Mapping[str, Sequence[Finding]]
    #: what changes of the active version
    changes: Sequence[Change]
    #: whether the draft began from the version that is active now
    behind: bool
    #: four eyes are asked for, and the reader is one of those who changed the draft
    needs_another: bool
    #: the version that waits to become active: its number, and when
    scheduled: tuple[int, dt.datetime] | None

    @property
    def errors(self) -> int:
        """How many findings refuse it."""
        return sum(checking.refuses(finding) for found in self.findings.values() for finding in found)


def preview(services: Services, procedure: str, *, actor: str | None) -> Preview:
    """Raises NotAllowed, NotFound."""
    draft = drafts.read(services, procedure, actor=actor)
    with services.database.reading() as connection:
        active = rows.must_edit(services, connection, procedure, actor)
        files = drafts.all_files(services, connection, procedure, active)
        coming = scheduling.waiting(connection, procedure)
    present = services.programs.get(active.id).files if active is not None else {}
    return Preview(
        draft=draft,
        files=files,
        present=present,
        findings=checking.findings(services, files),
        changes=differences.between(present, files),
        behind=draft.base != draft.active,
        needs_another=_needs_another(services, draft.editors, actor),
        scheduled=(coming.number, coming.scheduled_at) if coming is not None else None,
    )


def _needs_another(services: Services, editors: Sequence[str], actor: str | None) -> bool:
    return services.settings.procedures_four_eyes and (actor is None or actor in editors)


@dataclass(frozen=True, kw_only=True)
class Published:
    """A draft that is a version now."""

    number: int
    #: when it becomes the active one, None: it is
    at: dt.datetime | None


def considered(
    services: Services,
    procedure: str,
    *,
    revision: int,
    actor: str | None,
    note: str,
    at: dt.datetime | None = None,
    replacing: int | None = None,
    override: str = "",
) -> Mapping[str, bytes]:
    """The files that publishing would make the next version, where nothing but their scenarios stands against it. Raises as `publish`."""
    must_say(note)
    if at is not None and at <= services.clock.now():
        raise TimePassed(when=at.isoformat(timespec="minutes"))
    with services.database.reading() as connection:
        active = rows.must_edit(services, connection, procedure, actor)
        stored = must_be(connection, procedure, revision)
        if _needs_another(services, stored.editors, actor):
            raise NotAllowed(reason="whoever changed the draft does not publish it; another manager must")
        _must_be_current(active, stored.base, replacing)
        must_be_free(connection, procedure)
        drawn = drafts.all_files(services, connection, procedure, active)
    files = deploying.deployable(services, drawn, procedure=procedure)
    if active is not None and procedures.digest_of(files) == active.digest:
        raise NothingToPublish(number=active.number)
    gate.may_override(services, actor, override)
    return files


def publish(
    services: Services,
    procedure: str,
    *,
    revision: int,
    actor: str | None,
    note: str,
    at: dt.datetime | None = None,
    replacing: int | None = None,
    override: str = "",
    told: gate.Progress = gate.in_silence,
    also: Callable[[Unit, int], object] = lambda unit, number: None,
) -> Published:
    """Make the draft of this revision the next version, on which new cases start from `at` on (None: now).

    Scenarios that are not known to pass are played first, of which `told` hears; `also` is done in the same transaction, given the new
    number. `replacing`: number of an active version from which the draft did not begin, and whose changes are left out on purpose.
    `override`: why it is published although scenarios fail. Raises NotDeployable with the findings, ScenariosFailed, DraftBehind,
    NothingToPublish, PublishingScheduled, TimePassed, AlreadyPublished where just this draft was published before, DraftMovedOn,
    DraftGone, NotFound, NotAllowed, and where four eyes are asked for, for whoever changed it.
    """
    how: dict[str, Any] = {"revision": revision, "actor": actor, "note": note, "at": at, "replacing": replacing, "override": override}
    files = considered(services, procedure, **how)
    failing = gate.must_pass(services, files, procedure=procedure, actor=actor, override=override, told=told)
    said, now = must_say(note), services.clock.now()
    with services.database.unit() as unit:
        connection = unit.connection
        deploying.one_at_a_time(connection)
        active = rows.must_edit(services, connection, procedure, actor)
        rows.one_at_a_time(connection)
        stored = must_be(connection, procedure, revision)
        _must_be_current(active, stored.base, replacing)
        must_be_free(connection, procedure)
        version = _stored(services, connection, procedure, files, active, at=at, by=actor, note=said, now=now)
        if at is not None:
            scheduling.await_time(services, unit, version["id"], at, now)
        facts: dict[str, Any] = {"number": version["number"], "revision": revision}
        if active is not None and stored.base != active.number:
            events.record(connection, procedure, "replaced", at=now, by=actor, note=said, facts={**facts, "left out": active.number})
        if failing:
            events.record(connection, procedure, "overrode", at=now, by=actor, note=override, facts={**facts, "scenarios": list(failing)})
        events.record(connection, procedure, "published" if at is None else "scheduled", at=now, by=actor, note=said, facts=facts)
        rows.end(connection, procedure)
        also(unit, version["number"])
        unit.commit()
    return Published(number=version["number"], at=at)


def _stored(
    services: Services,
    connection: sa.Connection,
    procedure: str,
    files: Mapping[str, bytes],
    active: sa.Row[Any] | None,
    *,
    at: dt.datetime | None,
    by: str | None,
    note: str,
    now: dt.datetime,
) -> dict[str, Any]:
    """The new version, active unless its time is still to come."""
    given: dict[str, Any] = {"procedure": procedure, "by": by, "note": note, "now": now}
    if at is None:
        version = deploying.store(connection, files, **given)
        deploying.make_active(connection, procedure, version["id"], files, by=by, now=now)
        return version
    waits: dict[str, Any] = {"scheduled_at": at, "scheduled_over": active.id if active is not None else None, "scheduled_by": by}
    return deploying.store(connection, files, **given, act="scheduled", **waits)


def must_be(connection: sa.Connection, procedure: str, revision: int) -> sa.Row[Any]:
    """As `rows.must_be`; AlreadyPublished where just this draft was published."""
    try:
        return rows.must_be(connection, procedure, revision)
    except DraftGone:
        done = events.last(connection, procedure, "published", "scheduled", "discarded")
        if done is not None and done.act != "discarded" and done.facts.get("revision") == revision:
            told = {"who": done.who or Sentence("the command line"), "when": done.at.isoformat(timespec="minutes")}
            raise AlreadyPublished(number=done.facts["number"], **told) from None
        raise


def _must_be_current(active: sa.Row[Any] | None, base: int | None, replacing: int | None) -> None:
    """Raises DraftBehind where another version was activated since the draft began, unless its changes are left out on purpose."""
    if active is not None and base != active.number and replacing != active.number:
        raise DraftBehind(active=active.number, base=base if base is not None else Sentence("none"))


def must_be_free(connection: sa.Connection, procedure: str) -> None:
    """Raises PublishingScheduled where a version waits: it was checked against what is active now."""
    coming = scheduling.waiting(connection, procedure)
    if coming is not None:
        raise PublishingScheduled(number=coming.number, when=coming.scheduled_at.isoformat(timespec="minutes"))
