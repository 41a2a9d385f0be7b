"""沟通: what people who may read a case say to each other about it. A comment decides nothing and holds nothing up.

Everybody who may read the case reads its comments and may write one until the case is closed, but the employee concerned, who does
neither. A comment is part of the record: it stands in the ledger as it was written, and is never changed or taken away.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import access
from .errors import CaseNotRunning, FormInvalid, MayNotBeTold, NotAllowed, NotFound
from .ledger import Event
from .locking import done_before, lock
from .models import OPEN, Candidate, Comment, Copy, Person, SignOff, WorkItem, new_id
from .people import directory
from .rules import Rules, rules_of
from .turn import Turn

if TYPE_CHECKING:
    from .services import Services

#: longest comment, in characters
LONGEST = 5000
#: persons whom one comment mentions
_MOST = 20
#: the latest that a page tells
_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class CommentRow:
    """One comment."""

    id: str
    by: str
    name: str
    at: dt.datetime
    text: str
    #: name of the work item about which it was written
    item: str | None
    item_en: str | None
    #: id of the comment that it answers, and who had written that
    answers: str | None
    answered: str | None
    #: names of whom it mentions
    mentions: Sequence[str]


def write(
    services: Services,
    case_id: str,
    *,
    text: str,
    actor: str,
    request_id: str,
    item_id: str | None = None,
    answers: str | None = None,
    mentions: Sequence[str] = (),
) -> None:
    """Say something about a case, or a work item of it. `answers`: id of a comment. `mentions`: who is told of it at once.

    Raises NotFound, NotAllowed, CaseNotRunning for a closed case, FormInvalid, MayNotBeTold naming who may not read the case.
    """
    text, mentions = text.strip(), list(dict.fromkeys(mentions))
    if not text:
        raise FormInvalid({"text": ["Write your comment here."]})
    if len(text) > LONGEST:
        raise FormInvalid({"text": ["A comment has at most 5000 characters."]})
    if len(mentions) > _MOST:
        raise FormInvalid({"persons": ["A comment mentions at most 20 people."]})
    with services.database.unit() as unit:
        case = lock(unit, case_id=case_id)
        if done_before(unit, case.id, actor=actor, request_id=request_id):
            return
        connection = unit.connection
        turn = Turn(services, unit, case, actor=actor, request_id=request_id)
        rules, on = rules_of(turn.deployed.files), directory.day(turn.now)
        _must_write(connection, case, rules, actor, on)
        element = None
        if item_id is not None:
            item = sa.select(WorkItem.element).where(WorkItem.id == item_id, WorkItem.case_id == case_id)
            if (element := connection.execute(item).scalar_one_or_none()) is None:
                raise NotFound(what="work item", name=item_id)
        author = None
        if answers is not None:
            answered = sa.select(Comment.by_id).where(Comment.id == answers, Comment.case_id == case_id)
            if (author := connection.execute(answered).scalar_one_or_none()) is None:
                raise NotFound(what="comment", name=answers)
        names = _names(connection, mentions)
        for person in mentions:
            if person not in names:
                raise NotFound(what="person", name=person)
            if not _reads(connection, case, rules, person, on):
                raise MayNotBeTold(who=names[person], reason="they may not read it; send them a copy first")
        comment_id = new_id()
        unit.add(
            Comment,
            id=comment_id,
            case_id=case_id,
            item_id=item_id,
            answers=answers,
            by_id=actor,
            at=turn.now,
            text=unit.keyring.seal_json({"text": text}, text_purpose(comment_id)),
            mentions=mentions,
        )
        facts = {name: value for name, value in (("item", item_id), ("answers", answers)) if value}
        to = [{"id": person, "name": names[person]} for person in mentions]
        turn.record(Event.COMMENT_WRITTEN, element=element, comment=comment_id, text=text, to=to, **facts)
        told = [*mentions, *([author] if author and _reads(connection, case, rules, author, on) else [])]
        turn.tell("mentioned", list(dict.fromkeys(told)))
        turn.commit()


def comments(services: Services, case_id: str, *, reader: str, limit: int | None = _SHOWN) -> list[CommentRow]:
    """The latest comments of a case in the order of time; whom it is about is told none. Raises NotFound, NotAllowed."""
    with services.database.reading() as connection:
        case = access.case_row(connection, case_id)
        if access.sight(connection, case, rules_of(services.programs.get(case.version_id).files), reader).subject:
            return []
        found = sa.select(Comment.__table__, Person.name, WorkItem.name.label("item"), WorkItem.name_en.label("item_en"))
        found = found.join(Person, Person.id == Comment.by_id).outerjoin(WorkItem, WorkItem.id == Comment.item_id)
        latest = found.where(Comment.case_id == case_id).order_by(Comment.at.desc(), Comment.id.desc()).limit(limit)
        rows = connection.execute(latest).all()[::-1]
        answered = {row.answers for row in rows if row.answers}
        by = {row.id: row.by_id for row in connection.execute(sa.select(Comment.id, Comment.by_id).where(Comment.id.in_(answered)))}
        names = _names(connection, [*by.values(), *(person for row in rows for person in row.mentions)])
        return [
            CommentRow(
                id=row.id,
                by=row.by_id,
                name=row.name,
                at=row.at,
                text=services.keyring.unseal_json(row.text, text_purpose(row.id))["text"],
                item=row.item,
                item_en=row.item_en,
                answers=row.answers,
                answered=names[by[row.answers]] if row.answers else None,
                mentions=[names[person] for person in row.mentions],
            )
            for row in rows
        ]


def may_write(services: Services, case_id: str, *, reader: str) -> bool:
    """Whether the reader may write a comment now. Raises NotFound."""
    with services.database.reading() as connection:
        case = access.case_row(connection, case_id)
        rules = rules_of(services.programs.get(case.version_id).files)
        try:
            _must_write(connection, case, rules, reader, directory.day(services.clock.now()))
        except (NotAllowed, CaseNotRunning):
            return False
    return True


def addressees(services: Services, case_id: str, *, reader: str) -> list[dict[str, str]]:
    """Whom the reader may mention, by name: everybody else who may read the case and may act, as `directory.display` tells them.

    Raises NotFound, NotAllowed.
    """
    on = directory.day(services.clock.now())
    with services.database.reading() as connection:
        case = access.case_row(connection, case_id)
        rules = rules_of(services.programs.get(case.version_id).files)
        if access.sight(connection, case, rules, reader).subject:
            return []
        open_ones = sa.select(SignOff.id).where(SignOff.case_id == case_id, SignOff.state == OPEN)
        offered = connection.execute(sa.select(SignOff.role).where(SignOff.id.in_(open_ones))).scalars()
        roles = {*rules.readers, *rules.managers, *(role for role in offered if role)}
        persons = {case.initiator_id}
        for row in connection.execute(sa.select(Candidate.kind, Candidate.ref).where(Candidate.sign_off_id.in_(open_ones))):
            (persons if row.kind == "person" else roles).add(row.ref)
        for signed in connection.execute(sa.select(SignOff.person_id, SignOff.decided_by).where(SignOff.case_id == case_id)):
            persons |= {signed.person_id, signed.decided_by}
        persons |= set(connection.execute(sa.select(Copy.person_id).where(Copy.case_id == case_id)).scalars())
        persons |= set(directory.holders(connection, *roles, on=on))
        here = directory.present(connection, [one for one in persons if one and one not in (reader, case.subject_id)], on)
        return sorted(directory.displays(connection, here, on), key=lambda one: (one["name"], one["id"]))


def _must_write(connection: sa.Connection, case: Any, rules: Rules, actor: str, on: dt.date) -> None:
    """Raises NotAllowed, CaseNotRunning."""
    if not directory.present(connection, [actor], on):
        raise NotAllowed(reason="your account may not act any more")
    if access.sight(connection, case, rules, actor).subject:
        raise NotAllowed(reason="comments are not open to the employee concerned")
    if case.status == "closed":
        raise CaseNotRunning(case=case.number, state=case.status)


def _reads(connection: sa.Connection, case: Any, rules: Rules, person: str, on: dt.date) -> bool:
    """Whether a person reads the comments of the case."""
    try:
        return bool(directory.present(connection, [person], on)) and not access.sight(connection, case, rules, person).subject
    except NotAllowed:
        return False


def _names(connection: sa.Connection, persons: Sequence[str]) -> dict[str, str]:
    return {row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(persons)))}


def text_purpose(comment_id: str) -> str:
    """What a comment's sealed text is bound to."""
    return f"comments.text/{comment_id}"
