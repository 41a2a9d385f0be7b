"""草稿: what somebody typed, chose and drew for a work item and has not given yet, kept for them alone.

A draft has a revision, by which two windows of one person tell each other apart. Whoever saves says which revision they began with
and what theirs is called; a page saves all it is told under one name, so that its own savings never get in each other's way, and
what another window saved meanwhile is never overwritten unseen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .. import signatures
from ..errors import DraftSavedElsewhere
from ..fields import Keyring
from ..models import Document, new_id
from ..models import Draft as Row
from ..ports import Json
from .completing import filling_in
from .enclosing import ATTACHMENT, MOST
from .steps import by_name, said

if TYPE_CHECKING:
    from ..services import Services

#: what lies in a draft beside the values of a form; no field of a form can be called so
OPINION, ATTACHMENTS, SIGNATURE = "decision:opinion", "decision:attachments", "decision:signature"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What its writer finds again."""

    #: names this state of it
    revision: str
    saved_at: dt.datetime
    #: values of the form as they were typed
    values: Mapping[str, Json]
    #: what they wrote in a step of a chain, and ids of the documents that they stored for it
    opinion: str
    attachments: Sequence[str]
    signature: str


def purpose(item_id: str, person_id: str) -> str:
    """What a sealed draft is bound to."""
    return f"drafts.values/{item_id}/{person_id}"


def read(connection: sa.Connection, keyring: Keyring, item_id: str, person: str) -> Draft | None:
    """What the person saved for the item and has not given since."""
    row = connection.execute(sa.select(Row.__table__).where(Row.item_id == item_id, Row.person_id == person)).one_or_none()
    if row is None:
        return None
    values = keyring.unseal_json(row.values, purpose(item_id, person))
    beside = {name: values.pop(key, empty) for name, key, empty in _BESIDE}
    return Draft(revision=row.revision, saved_at=row.saved_at, values=values, **beside)


_BESIDE: Sequence[tuple[str, str, Json]] = (("opinion", OPINION, ""), ("attachments", ATTACHMENTS, []), ("signature", SIGNATURE, ""))


def save_draft(
    services: Services,
    item_id: str,
    *,
    actor: str,
    values: Mapping[str, Json],
    opinion: str = "",
    attachments: Sequence[str] = (),
    signature: str = "",
    seen: str = "",
    revision: str = "",
) -> str:
    """Keep what the person typed, for them alone, instead of what they kept before; it goes once they decide or return, or the item
    closes. Gives the draft's revision.

    `opinion`, `attachments`, `signature`: what they give beside the form in a step of a chain; of no account elsewhere. Documents that
    are not theirs for this are left out. `seen`: the revision that they began with, "" for none; `revision`: what this one is called,
    "" for a new name. Without one, what is kept already word for word is left as it is, so that a repeat is harmless.

    Raises as `attach`, FormInvalid for an opinion that is too long, and DraftSavedElsewhere; it is kept for anybody whose turn it is.
    """
    opinion = said(opinion, "opinion", None)
    with services.database.unit() as unit, by_name(unit):
        turn = filling_in(services, unit, item_id, actor, only=values).turn
        connection, mine = unit.connection, sa.and_(Row.item_id == item_id, Row.person_id == actor)
        before = connection.execute(sa.select(Row.revision, Row.saved_at, Row.values).where(mine)).one_or_none()
        own = _own(connection, turn.case.id, actor, [*attachments[:MOST], signature])
        beside: Mapping[str, Json] = {
            OPINION: opinion,
            ATTACHMENTS: [one for one in dict.fromkeys(attachments) if own.get(one) == ATTACHMENT],
            SIGNATURE: signature if own.get(signature) == signatures.KIND else "",
        }
        kept = dict(values) | {key: given for key, given in beside.items() if given}
        if before is not None and before.revision not in (seen, revision):
            if not revision and services.keyring.unseal_json(before.values, purpose(item_id, actor)) == kept:
                return str(before.revision)
            raise DraftSavedElsewhere(when=before.saved_at.isoformat(timespec="minutes"), revision=before.revision)
        revision = revision or new_id()
        sealed = services.keyring.seal_json(kept, purpose(item_id, actor))
        connection.execute(sa.delete(Row).where(mine))
        row = {"item_id": item_id, "person_id": actor, "revision": revision, "values": sealed, "saved_at": services.clock.now()}
        connection.execute(sa.insert(Row).values(**row))
        unit.commit()
    return revision


def _own(connection: sa.Connection, case_id: str, actor: str, ids: Sequence[str]) -> Mapping[str, str]:
    """The kinds of those documents that the actor stored for a decision and gave with none, by their ids."""
    if not any(ids):
        return {}
    mine = sa.and_(Document.case_id == case_id, Document.created_by == actor, Document.sign_off_id.is_(None), Document.id.in_(ids))
    return {row.id: row.kind for row in connection.execute(sa.select(Document.id, Document.kind).where(mine))}
