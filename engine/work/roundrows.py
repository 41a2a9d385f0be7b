"""Rounds of an item's steps as rows, and as `engine.signing` reckons with them: which is open, which came before, who approved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from .. import sign_offs
from ..chains.steps import setting
from ..models import Candidate, SignOff
from ..ports import Json
from ..signing.round import Round
from ..situations import WITHDRAWN

#: columns of a sign-off from which `round_of` reads it
SIGNER = (
    *(SignOff.position, SignOff.person_id, SignOff.state, SignOff.for_id, SignOff.weight, SignOff.place, SignOff.origin),
    *(
        SignOff.by_position,
        SignOff.former,
        SignOff.because,
        SignOff.decided_by,
        SignOff.was,
        SignOff.opened_at,
        SignOff.decided_at,
        SignOff.due_at,
    ),
)


#: outcomes of rounds in which nothing was decided that counts
_OF_NO_ACCOUNT = frozenset((WITHDRAWN, "left"))


def offers(person: Any) -> tuple[sa.ColumnElement[Any], ...]:
    """Columns beside a sign-off: whether it is `offered` to a person, the absent one for whom (`offered_for`), and whether it is
    `shared` with others. `person`: an id, or the place of one.
    """
    own = sa.and_(Candidate.sign_off_id == SignOff.id, Candidate.kind == "person")
    absent = sa.select(Candidate.for_id).where(own, Candidate.ref == person).correlate(SignOff).scalar_subquery()
    return (
        sa.exists().where(own, sa.or_(Candidate.ref == person, Candidate.for_id == person)).label("offered"),
        absent.label("offered_for"),
        sa.exists().where(Candidate.sign_off_id == SignOff.id).label("shared"),
    )


def standing_at(rows: Sequence[Any]) -> tuple[int, int] | None:
    """Place of the step and number of the round that is open, or was decided last where none is: ids of rounds grow with time."""
    signed = [row for row in rows if row.sign_off_id and row.outcome not in _OF_NO_ACCOUNT]
    going = [(row.step_position, row.round_number) for row in signed if row.outcome is None]
    if going:
        return max(going)
    last = max(signed, key=lambda row: row.round_id, default=None)
    return None if last is None else (last.step_position, last.round_number)


def open_at(rows: Sequence[Any]) -> tuple[int, int]:
    """Position of the step and number of the round that is open; (-1, 0) where none is."""
    return max(((row.step_position, row.round_number) for row in rows if row.sign_off_id and row.outcome is None), default=(-1, 0))


def previous(rows: Sequence[Any], position: int) -> tuple[int, int] | None:
    """The last round of the step before this one that somebody signed, as `rows_of` takes it."""
    signed = (row for row in rows if row.sign_off_id and row.step_position < position and row.outcome != WITHDRAWN)
    return max(((row.step_position, row.round_number) for row in signed), default=None)


def opened_by(rows: Sequence[Any], which: tuple[int, int]) -> tuple[int, int] | None:
    """The round by whose decision this one was opened, each as `rows_of` takes it: the one that was decided last before it, whether the
    work went on from there or was sent back."""
    opened = next(row.round_id for row in rows if (row.step_position, row.round_number) == which)
    signed = (row for row in rows if row.sign_off_id and row.round_id < opened and row.outcome not in _OF_NO_ACCOUNT)
    last = max(signed, key=lambda row: row.round_id, default=None)
    return None if last is None else (last.step_position, last.round_number)


def approvers(round: Round) -> list[str]:
    """Who approved in a round, in their own name."""
    given = (one for one in round.signers if one.state == "approved")
    return [one.acted for one in given if one.acted and one.for_person in (None, one.acted)]


def rows_of(rows: Iterable[Any], which: tuple[int, int]) -> list[Any]:
    """The rows of one round: position of its step, and its number."""
    return [row for row in rows if (row.step_position, row.round_number) == which]


def round_of(rows: Sequence[Any], asks: Mapping[str, Json], barred: Mapping[str, str], actor: str) -> Round:
    """The rows of one round, as `engine.signing` reckons with it. `asks`: the step as its chain describes it."""
    return Round(
        mode=rows[0].mode,
        signers=tuple(
            sign_offs.signer(row, entitled=actor if row.offered else None, absent=row.offered_for, shared=row.shared) for row in rows
        ),
        ratio=setting(asks, "ratio"),
        reject=setting(asks, "reject"),
        decisive=setting(asks, "decisive"),
        outcome=rows[0].outcome,
        barred=barred,
    )
