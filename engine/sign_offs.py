"""Sign-offs as rows, and as the signers of a round that `engine.signing` reckons with."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .db import Statement
from .models import Candidate, SignOff, new_id
from .signing.round import Signer

if TYPE_CHECKING:
    from .turn import Turn

_WRITTEN = ("state", "person_id", "for_id", "opened_at", "decided_at", "decided_by", "because", "was", "due_at")
_CHANGE = Statement(
    sa.update(SignOff).where(SignOff.id == sa.bindparam("sign_off_id")).values({name: sa.bindparam(f"new_{name}") for name in _WRITTEN})
)
_ANSWER = Statement(sa.update(SignOff).where(SignOff.id == sa.bindparam("sign_off_id")).values(answer=sa.bindparam("answer")))


#: stands for all the others to whom a sign-off is offered
OTHERS = ""


def signer(row: Any, *, entitled: str | None = None, absent: str | None = None, shared: bool = False) -> Signer:
    """A row of `sign_offs` as a signer.

    `entitled`: a person to whom it is or was offered, in the place of the `absent` one where there is one; `shared`: it is to others.
    """
    return Signer(
        number=row.position,
        person=row.person_id,
        state=row.state,
        candidates=frozenset(({entitled} if entitled else set()) | ({OTHERS} if shared else set())),
        for_person=row.for_id,
        in_place_of=absent if row.person_id is None else None,
        weight=row.weight or 1,
        place=row.place or 0,
        origin=row.origin or "chain",
        by=row.by_position,
        former=row.former,
        because=row.because,
        acted=row.decided_by,
        was=row.was,
        decided_at=row.decided_at.isoformat(timespec="minutes") if row.decided_at else "",
    )


def add(
    turn: Turn,
    item_id: str,
    round_id: str | None,
    new: Signer,
    *,
    role: str | None = None,
    due: dt.datetime | None = None,
    told: str = "opened",
    like: str | None = None,
) -> str:
    """A new row; its id. `role`: the only one to which it is offered; `due`: when the step's limit is over for it; `told`: as what
    whoever holds it is told of it (`engine.notices.kinds`); `like`: id of a sign-off to whose candidates it is offered, too."""
    sign_off_id = new_id()
    turn.unit.add(
        SignOff,
        id=sign_off_id,
        round_id=round_id,
        item_id=item_id,
        case_id=turn.case.id,
        position=new.number,
        state=new.state,
        role=role,
        person_id=new.person,
        opened_at=turn.now if new.state == "open" else None,
        for_id=new.for_person,
        weight=new.weight if new.weight != 1 else None,
        place=new.place or None,
        origin=new.origin if new.origin != "chain" else None,
        by_position=new.by,
        former=new.former,
        because=new.because,
        due_at=due,
    )
    if like is not None:
        offered = sa.select(Candidate.kind, Candidate.ref, Candidate.for_id).where(Candidate.sign_off_id == like)
        for row in turn.unit.connection.execute(offered).all():
            turn.unit.add(Candidate, sign_off_id=sign_off_id, kind=row.kind, ref=row.ref, for_id=row.for_id)
    if new.state == "open" and (new.person or role):
        persons, roles = ([new.person], []) if new.person else ([], [role])
        turn.tell(told if new.person else "offered", persons, roles=[one for one in roles if one], item=item_id)
    return sign_off_id


def change(turn: Turn, row: Any, now: Signer, due: dt.datetime | None) -> None:
    """Write what has become of it. `row`: as it was; `due`: when the step's limit is over for it."""
    sign_off_id, opened_at, decided_at = row.sign_off_id, row.opened_at, row.decided_at
    decided = now.state not in ("waiting", "open", "lapsed")
    turn.unit.write(
        _CHANGE,
        sign_off_id=sign_off_id,
        new_state=now.state,
        new_person_id=now.person,
        new_for_id=now.for_person,
        new_opened_at=opened_at or (turn.now if now.state == "open" else None),
        new_decided_at=decided_at or (turn.now if decided else None),
        new_decided_by=now.acted,
        new_because=now.because,
        new_was=now.was,
        new_due_at=due,
    )


def answer(turn: Turn, sign_off_id: str, sealed: bytes) -> None:
    """Keep what was said with it."""
    turn.unit.write(_ANSWER, sign_off_id=sign_off_id, answer=sealed)


def answer_purpose(sign_off_id: str) -> str:
    """What a sign-off's sealed answer is bound to."""
    return f"sign_offs.answer/{sign_off_id}"
