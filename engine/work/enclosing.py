"""附件 and 手写签名: what a signer gives with a decision, stored before it and bound to it by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .. import documents, signatures
from ..chains import giving
from ..chains.words import CHOICES
from ..db import Statement, Unit
from ..documents import DocumentRow
from ..errors import AttachmentRefused, FileTooLarge, FormInvalid, NotAllowed, NotFound, Sentence
from ..models import Document, new_id
from ..ports import File, Json
from ..signing import turns
from .steps import Step, by_name, step

if TYPE_CHECKING:
    from ..services import Services

#: what an attachment is as a document; no form field can be called so
ATTACHMENT = "sign-off-attachment"
#: attachments of one decision
MOST = 20
_BIND = Statement(sa.update(Document).where(Document.id == sa.bindparam("document_id")).values(sign_off_id=sa.bindparam("new_sign_off_id")))


def enclose(services: Services, item_id: str, *, actor: str, files: Sequence[File]) -> list[str]:
    """附件: store files that the actor will name with what they decide, so that a mistake elsewhere costs none; their ids.

    Raises as `approve`, NotAllowed where the step takes none, AttachmentRefused for a kind it does not take, and the errors of
    `documents.checked` and `documents.scanned`.
    """
    documents.scanned(services, files)
    with services.database.unit() as unit, by_name(unit):
        at = _turn(services, unit, item_id, actor)
        asks = giving.of(at.asks)
        if asks.attachments == "never":
            raise NotAllowed(reason="this step takes no attachments")
        stored = []
        for file in files:
            named = File(kind=ATTACHMENT, name=file.name, media_type=file.media_type, content=file.content)
            checked = documents.checked(named, limit=services.settings.upload_limit)
            _must_fit(asks, checked.name, checked.media_type, len(checked.content))
            stored.append(documents.store(at.turn, checked, element=at.element.id))
        at.turn.commit()
    return stored


def draw(services: Services, item_id: str, *, actor: str, picture: File) -> str:
    """手写签名: store the signature that the actor drew for what they decide; its id.

    Raises as `enclose`, and SignatureUnusable. Drawn again it is another document; the decision names the one that counts.
    """
    kept = signatures.picture(picture, limit=services.settings.upload_limit)
    documents.scanned(services, [picture])
    with services.database.unit() as unit, by_name(unit):
        at = _turn(services, unit, item_id, actor)
        if not giving.of(at.asks).signature:
            raise NotAllowed(reason="this step asks for no signature")
        stored = documents.store(at.turn, kept, element=at.element.id)
        at.turn.commit()
    return stored


def _turn(services: Services, unit: Unit, item_id: str, actor: str) -> Step:
    at = step(services, unit, item_id, actor, new_id())
    assert at is not None  # only a repeated request gives none
    turns.mine(at.round, actor)
    return at


def _must_fit(asks: giving.Giving, name: str, media_type: str, size: int) -> None:
    kinds = asks.attachment_types
    if kinds and not any(media_type in giving.KINDS[kind] for kind in kinds):
        raise AttachmentRefused(name=name, kinds=[Sentence(CHOICES["attachment_types"][kind]) for kind in kinds])
    if asks.attachment_mb and size > asks.attachment_mb * documents.MEGABYTE:
        raise FileTooLarge(name=name, size=f"{size / documents.MEGABYTE:.1f}", limit=asks.attachment_mb)


def enclosed(at: Step, attachments: Sequence[str], signature: str = "") -> list[DocumentRow]:
    """The documents that the actor names, each stored by themselves for a decision of theirs and given with no other.

    Raises NotFound, FormInvalid for too many, AttachmentRefused, FileTooLarge: they may have been stored for an earlier step, which
    takes other kinds.
    """
    if len(set(attachments)) > MOST:
        raise FormInvalid({"attachments": ["At most 20 files go with one decision."]})
    found = {**_own(at, ATTACHMENT, attachments), **_own(at, signatures.KIND, [signature] if signature else [])}
    asks = giving.of(at.asks)
    if attachments and asks.attachments == "never":
        raise FormInvalid({"attachments": ["This step takes no attachments."]})
    for row in found.values():
        if row.kind == ATTACHMENT:
            _must_fit(asks, row.name, row.media_type, row.size)
    return list(found.values())


def _own(at: Step, kind: str, ids: Iterable[str]) -> Mapping[str, DocumentRow]:
    found = {}
    for document_id in ids:
        row = documents.find(at.turn.unit.connection, document_id)
        own = (row.case_id, row.kind, row.created_by, row.sign_off_id) == (at.turn.case.id, kind, at.turn.actor, None)
        if not own:
            raise NotFound(what="document of yours that was stored for this decision", name=document_id)
        found[document_id] = row
    return found


def told(given: Sequence[DocumentRow]) -> dict[str, Json]:
    """Attachments and signature as the ledger tells them with the decision: with their digests."""
    attachments = [{"document": row.id, "name": row.name, "sha256": row.sha256} for row in given if row.kind == ATTACHMENT]
    facts: dict[str, Json] = {"attachments": attachments} if attachments else {}
    for row in given:
        if row.kind == signatures.KIND:
            facts["signature"] = {"document": row.id, "sha256": row.sha256}
    return facts


def bind(at: Step, given: Sequence[DocumentRow], sign_off_id: str) -> None:
    """From now on they belong to this sign-off."""
    for row in given:
        at.turn.unit.write(_BIND, document_id=row.id, new_sign_off_id=sign_off_id)
