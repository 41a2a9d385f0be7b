"""What a manager does to several cases at once: first told for each of them what would happen, then done in a transaction each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import cases, incidents, returns
from .errors import FormInvalid, ItemClosed, PartwellError
from .locking import part_of
from .models import Case, Incident, Job, Person, new_id
from .ports import Json
from .rehearsal import rehearsal
from .returns import Prospect
from .timeline import title_en

if TYPE_CHECKING:
    from .services import Services

#: cases of one request
MOST = 200
#: what may be done: with each open incident of the element, or of the case where none is named
REPAIRS = ("retry", "correct", "answer", "skip")
#: with the case itself
MOVES = ("return", "move", "suspend", "resume")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What shall be done, to all of the cases alike."""

    #: one of REPAIRS and MOVES
    act: str
    #: where the incidents are, or where what is moved stands; empty: wherever
    element: str = ""
    #: where a case returns to, or moves to
    to: str = ""
    #: the answer by hand, or what is corrected: of a call that failed its input, else the case's variables
    values: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """What would become of one case, or what became of it."""

    case_id: str
    number: str
    title: str
    title_en: str
    #: why nothing is done; None where it is done
    error: PartwellError | None
    #: incidents that are repaired
    incidents: int = 0
    #: of a return or a move: what is left, and what stays done outside
    prospect: Prospect = field(default_factory=Prospect)


def consider(services: Services, case_ids: Sequence[str], wish: Wish, *, actor: str) -> list[Consequence]:
    """What would happen to each case: the act itself, rehearsed and taken back. Raises FormInvalid for none, too many, or half a wish."""
    wish = Wish(**{**wish.__dict__, "reason": wish.reason or "-"})
    return _for_each(rehearsal(services), case_ids, wish, actor, new_id())


def carry_out(services: Services, case_ids: Sequence[str], wish: Wish, *, actor: str, request_id: str) -> list[Consequence]:
    """Do it, each case in a transaction of its own and with its own result; sent again it changes nothing. Raises as `consider`."""
    if not wish.reason.strip():
        raise FormInvalid({"reason": ["This is required."]})
    return _for_each(services, case_ids, wish, actor, request_id)


def _for_each(services: Services, case_ids: Sequence[str], wish: Wish, actor: str, request_id: str) -> list[Consequence]:
    wanted = list(dict.fromkeys(case_ids))
    if not 1 <= len(wanted) <= MOST:
        raise FormInvalid({"cases": ["Choose 1 to 200 cases."]})
    if wish.act not in (*REPAIRS, *MOVES):
        raise FormInvalid({"act": ["Choose what shall be done."]})
    if wish.act in ("return", "move") and not wish.to:
        raise FormInvalid({"to": ["Choose the step at which the cases shall go on."]})
    if wish.act in ("answer", "correct") and not wish.values:
        raise FormInvalid({"values": ["Give at least one value."]})
    with services.database.reading() as connection:
        columns = (Case.id, Case.number, Case.title, Case.version_id, Person.name)
        chosen = sa.select(*columns).join(Person, Person.id == Case.subject_id).where(Case.id.in_(wanted))
        known: dict[str, Any] = {row.id: row for row in connection.execute(chosen)}
        found = sa.select(Incident.id, Incident.case_id, Job.kind).outerjoin(Job, Job.id == Incident.job_id)
        found = found.where(Incident.case_id.in_(wanted), Incident.resolved_at.is_(None))
        if wish.element:
            found = found.where(Incident.element == wish.element)
        opened: dict[str, list[Any]] = {}
        for row in connection.execute(found.order_by(Incident.opened_at, Incident.id)):
            opened.setdefault(row.case_id, []).append(row)
    told = []
    for case_id in wanted:
        if case_id not in known:
            continue
        row = known[case_id]
        english = title_en(services, row.version_id, row.name)
        which = {"case_id": case_id, "number": row.number, "title": row.title, "title_en": english}
        own = {"actor": actor, "reason": wish.reason, "request_id": part_of(request_id, case_id)}
        try:
            if wish.act in REPAIRS:
                told.append(Consequence(**which, error=None, incidents=_repair(services, opened.get(case_id, ()), wish, own)))
            else:
                told.append(Consequence(**which, error=None, prospect=_move(services, case_id, wish, own)))
        except PartwellError as refused:
            told.append(Consequence(**which, error=refused))
    return told


def _repair(services: Services, opened: Sequence[Any], wish: Wish, own: Mapping[str, Any]) -> int:
    """How many incidents of the case were repaired. Raises ItemClosed where it has none."""
    if not opened:
        raise ItemClosed(reason="there is no open incident")
    for incident in opened:
        act: Callable[..., None]
        more: dict[str, Any] = {}
        match wish.act:
            case "correct":  # what a call was made with, or the case's variables where no call failed
                act, more = incidents.retry, {"input" if incident.kind == "operation" else "variables": wish.values}
            case "answer":
                act, more = incidents.answer, {"value": wish.values}
            case _:
                act = incidents.retry if wish.act == "retry" else incidents.skip
        act(services, incident.id, **{**own, "request_id": part_of(own["request_id"], incident.id)}, **more)
    return len(opened)


def _move(services: Services, case_id: str, wish: Wish, own: Mapping[str, Any]) -> Prospect:
    match wish.act:
        case "suspend":
            cases.suspend(services, case_id, **own)
        case "resume":
            cases.resume(services, case_id, **own)
        case "return":
            return returns.return_to(services, case_id, wish.to, **own)
        case _:
            stands = returns.stands(services, case_id, actor=own["actor"])
            leaving = [instance for instance, step in stands.items() if wish.element in ("", step.element)]
            return returns.jump(services, case_id, leaving=leaving, entering=[wish.to], **own)
    return Prospect()
