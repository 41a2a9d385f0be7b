"""附件 and 手写签名 as a form sends them: stored at once, so that a mistake elsewhere in it costs none of them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, g, request
from PIL import Image

from engine import documents, signatures, work
from engine.chains.giving import KINDS
from engine.chains.words import CHOICES
from engine.documents import DocumentRow
from engine.errors import AttachmentRefused, FormInvalid, SignatureUnusable
from engine.inbox import ItemPage

from .accounts import me, services
from .i18n import error_text, gettext
from .uploads import REFUSED, uploaded

enclosures = Blueprint("enclosures", __name__)
#: names of the form's fields; no field of a procedure's form can be called so
ATTACHMENTS, DRAWN, KEPT = "decision:attachments", "decision:drawn", "decision:signature"
_REFUSALS = (*REFUSED, AttachmentRefused, SignatureUnusable)


@dataclass(kw_only=True)
class Enclosures:
    """Ids of the documents that go with a decision, and messages for what was refused, by field."""

    attachments: list[str] = field(default_factory=list)
    signature: str = ""
    refused: dict[str, list[str]] = field(default_factory=dict)

    def must_be_whole(self) -> None:
        """Raises FormInvalid where a file was refused: nothing is decided without it."""
        if self.refused:
            raise FormInvalid(self.refused)


def received(item_id: str) -> Enclosures:
    """What came with the form of this request: kept from before, and new. New ones are documents of the case from now on."""
    found = Enclosures(attachments=request.form.getlist(ATTACHMENTS), signature=request.form.get(KEPT, ""))
    for sent in request.files.getlist(ATTACHMENTS):
        if sent.filename:
            try:
                found.attachments += work.enclose(services(), item_id, actor=me().id, files=[uploaded(sent)])
            except _REFUSALS as refusal:
                found.refused.setdefault("attachments", []).append(error_text(refusal))
    sent = request.files.get(DRAWN)
    if sent and sent.filename:
        try:
            found.signature = work.draw(services(), item_id, actor=me().id, picture=uploaded(sent))
        except _REFUSALS as refusal:
            found.refused["signature"] = [error_text(refusal)]
    g.enclosures = found
    return found


@enclosures.app_template_global()
def enclosed(item: ItemPage) -> dict[str, Any]:
    """What the item's forms keep of what their reader chose and drew: with this request, or else before, as their draft has it.

    `attachments`, and `signature` or None.
    """
    before = Enclosures(attachments=list(item.draft.attachments), signature=item.draft.signature) if item.draft else Enclosures()
    sent = g.get("enclosures") or before
    own = {row.id: row for row in item.documents if row.created_by == me().id and row.sign_off_id is None}
    kept = [own[one] for one in dict.fromkeys(sent.attachments) if one in own and own[one].kind == work.ATTACHMENT]
    signature = own.get(sent.signature)
    return {"attachments": kept, "signature": signature if signature and signature.kind == signatures.KIND else None}


@enclosures.app_template_global()
def takes(kinds: Sequence[str], largest: int | None) -> str:
    """What may be attached, in words."""
    words = CHOICES["attachment_types"]
    named = gettext(", ").join(gettext(words[kind]) for kind in kinds or KINDS)
    return gettext("%(kinds)s; at most %(size)s MB each", kinds=named, size=min(largest or 100, services().settings.upload_limit))


@enclosures.app_template_filter("accept")
def accept(kinds: Sequence[str]) -> str:
    """The types that a file chooser offers."""
    return ",".join(one for kind in kinds or KINDS for one in KINDS[kind])


@enclosures.app_template_filter("without_signatures")
def without_signatures(rows: Sequence[DocumentRow]) -> list[DocumentRow]:
    """Documents that are listed: a signature is shown where it was given."""
    return [row for row in rows if row.kind != signatures.KIND]


@enclosures.app_template_filter("picture")
def picture(row: DocumentRow) -> str:
    """A signature as the address of its picture, in the page itself: it is shown with the opinion, and nobody opens a document."""
    return pictures([row])[row.id]


def pictures(rows: Sequence[DocumentRow]) -> dict[str, str]:
    """As `picture`, by the id of the document."""
    with services().database.reading() as connection:
        contents = {row.id: documents.content(connection, services().keyring, row) for row in rows}
    return {id: "data:image/png;base64," + base64.b64encode(content).decode() for id, content in contents.items()}


def drawing(address: str) -> str:
    """A signature, as `picture` gives it, as SVG text: so the renderer of PDFs takes pictures."""
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as drawn:
        width, height = drawn.size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" href="{address}"/></svg>'
    )
