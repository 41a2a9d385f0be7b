"""What signers give with a decision: an opinion or none, attachments, a drawn signature; on the database and in the ledger."""

from __future__ import annotations

import io
from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import Room, person
from PIL import Image, ImageDraw
from test_sign_offs import act, begin, step, told

from engine import documents, inbox, signatures, work
from engine.errors import AttachmentRefused, FileTooLarge, FileTypeRefused, FormInvalid, NotAllowed, NotFound, SignatureUnusable
from engine.models import Document, SignOff, new_id
from engine.ports import File
from engine.services import Services

PDF = b"%PDF-1.7\n" + b"x" * 100


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def file(name: str = "会议纪要.pdf", content: bytes = PDF) -> File:
    return File(kind="", name=name, media_type="", content=content)


def drawing(kind: str = "PNG", *, strokes: bool = True, size: tuple[int, int] = (900, 300)) -> bytes:
    """A picture as a canvas gives it: a line on nothing."""
    image = Image.new("RGBA" if kind == "PNG" else "RGB", size, (255, 255, 255, 0) if kind == "PNG" else (235, 233, 228))
    if strokes:
        ImageDraw.Draw(image).line([(100, 200), (250, 60), (400, 220), (760, 90)], fill=(20, 20, 60), width=9)
    kept = io.BytesIO()
    image.save(kept, kind)
    return kept.getvalue()


def enclose(room: Room, case: str, by: str, *files: File) -> list[str]:
    return work.enclose(room.services, room.item(case, "sign"), actor=person(by), files=files or (file(),))


def draw(room: Room, case: str, by: str, content: bytes | None = None) -> str:
    picture = file("画布.png", drawing() if content is None else content)
    return work.draw(room.services, room.item(case, "sign"), actor=person(by), picture=picture)


def last(room: Room, case: str, event: str) -> Any:
    return [one.payload for one in room.entries(case) if one.event == event][-1]


def wrong(room: Room, case: str, verb: Any, by: str, **given: Any) -> set[str]:
    """The fields that are refused."""
    with pytest.raises(FormInvalid) as refused:
        act(room, case, verb, by, **given)
    return set(refused.value.fields)


# --- 审批意见


def test_opinion_never(room: Room) -> None:
    """审批意见必填 (opinion required never): an approval takes none and says so rather than lose it; a rejection needs its reason."""
    case = begin(room, step("会签", "hr", "head", opinion="never"))
    assert wrong(room, case, work.approve, "hr", opinion="同意") == {"opinion"}
    assert wrong(room, case, work.reject, "head", opinion=" ") == {"opinion"}
    act(room, case, work.approve, "hr")
    act(room, case, work.reject, "head", opinion="不同意")
    assert told(room, case) == "rejected: hr:approved head:rejected"


# --- 附件


def test_attachments_of_a_decision(room: Room) -> None:
    """附件 (attachments): stored before, bound by the decision, told in the ledger with their digests and beside the opinion."""
    case = begin(room, step("会签", "hr", "head"))
    first, second = enclose(room, case, "hr", file(), file("照片.png", drawing()))
    act(room, case, work.approve, "hr", opinion="同意", attachments=[first, second])
    [sign_off] = room.values(sa.select(SignOff.id).where(SignOff.decided_by == person("hr")))
    assert set(room.values(sa.select(Document.sign_off_id).where(Document.case_id == case))) == {sign_off}
    entry = last(room, case, "work:step:approved")
    assert [(one["document"], one["name"]) for one in entry["attachments"]] == [(first, "会议纪要.pdf"), (second, "照片.png")]
    assert all(len(one["sha256"]) == 64 for one in entry["attachments"])
    seen = inbox.item_page(room.services, room.item(case, "sign"), reader=person("head"))
    assert {one.name for one in seen.steps[0].attachments} == {"会议纪要.pdf", "照片.png"}
    assert {first, second} <= {one.id for one in seen.documents}


@pytest.mark.parametrize("verb", ["reject", "return", "resolve"])
def test_attachments_go_with_whatever_is_said(room: Room, verb: str) -> None:
    """附件 (attachments): with a rejection, a return and an opinion that was asked for."""
    case = begin(room, step("部门", "boss", mode="single", key="unit"), step("人事", "hr", mode="single", key="hr"))
    act(room, case, work.approve, "boss")
    by = "hr"
    if verb == "resolve":
        act(room, case, work.delegate, "hr", to=person("head"))
        by = "head"
    ids = enclose(room, case, by)
    match verb:
        case "reject":
            act(room, case, work.reject, by, opinion="不同意", attachments=ids)
        case "return":
            act(room, case, work.return_, by, to_step="unit", reason="材料不全", attachments=ids)
        case "resolve":
            act(room, case, work.resolve, by, opinion="可以", attachments=ids)
    [bound] = room.values(sa.select(SignOff.decided_by).join(Document, Document.sign_off_id == SignOff.id))
    assert bound == person(by)


def test_attachments_required(room: Room) -> None:
    """附件 (attachments): an approval needs one where the step says so, a rejection its reason only."""
    case = begin(room, step("会签", "hr", "head", attachments="required"))
    assert wrong(room, case, work.approve, "hr") == {"attachments"}
    act(room, case, work.approve, "hr", attachments=enclose(room, case, "hr"))
    act(room, case, work.reject, "head", opinion="不同意")


def test_attachments_of_the_wrong_kind(room: Room) -> None:
    """附件 (attachments): types and size are the step's; what is refused is named, and what was stored before stays."""
    case = begin(
        room, step("会签", "hr", attachment_types=["picture", "excel"], attachment_mb=1), step("再签", "head", attachments="never")
    )
    with pytest.raises(AttachmentRefused, match=r"会议纪要.pdf.*pictures; Excel sheets"):
        enclose(room, case, "hr")
    with pytest.raises(FileTooLarge):
        enclose(room, case, "hr", file("大.png", drawing() + bytes(1024 * 1024)))
    with pytest.raises(FileTypeRefused):
        enclose(room, case, "hr", file("x.exe", b"MZ\0\0"))
    picture = enclose(room, case, "hr", file("照片.png", drawing()))
    act(room, case, work.approve, "hr", attachments=picture)
    with pytest.raises(NotAllowed, match="takes no attachments"):
        enclose(room, case, "head")


def test_attachments_are_one_s_own_and_given_once(room: Room) -> None:
    """附件 (attachments): nobody names another's document, a form's, another case's, or one that a decision has already."""
    case = begin(room, step("会签", "hr", "head", "director"))
    own = enclose(room, case, "hr")
    with pytest.raises(NotFound):
        act(room, case, work.approve, "head", attachments=own)
    with pytest.raises(NotFound):
        act(room, case, work.approve, "hr", attachments=[new_id()])
    with pytest.raises(NotAllowed):
        enclose(room, case, "worker")
    act(room, case, work.approve, "hr", attachments=own)
    act(room, case, work.withdraw, "hr")
    with pytest.raises(NotFound):
        act(room, case, work.approve, "hr", attachments=own)
    assert wrong(room, case, work.approve, "head", attachments=[new_id() for _ in range(21)]) == {"attachments"}
    act(room, case, work.approve, "hr")


def test_attachments_are_open_to_who_reads_the_opinion(room: Room) -> None:
    """附件 (attachments): to the other signers and readers of the case; to whom the case is about never."""
    case = begin(room, step("会签", "hr", "head"))
    [document] = enclose(room, case, "hr")
    item = room.item(case, "sign")
    assert document not in {one.id for one in inbox.item_page(room.services, item, reader=person("head")).documents}
    act(room, case, work.approve, "hr", attachments=[document])
    assert document in {one.id for one in inbox.item_page(room.services, item, reader=person("head")).documents}
    with pytest.raises(NotAllowed):
        inbox.item_page(room.services, item, reader=person("worker"))


# --- 手写签名


def test_drawn_signature(room: Room) -> None:
    """手写签名 (drawn signature): approvals and rejections need it; it is a small picture whose digest is in the ledger."""
    case = begin(room, step("会签", "hr", "head", signature=True, opinion="always"))
    assert wrong(room, case, work.approve, "hr") == {"opinion", "signature"}
    assert wrong(room, case, work.reject, "head", opinion="不同意") == {"signature"}
    drawn = draw(room, case, "hr")
    act(room, case, work.approve, "hr", opinion="同意", signature=drawn)
    entry = last(room, case, "work:step:approved")
    [row] = room.rows(sa.select(Document.kind, Document.sha256, Document.media_type).where(Document.id == drawn))
    assert entry["signature"] == {"document": drawn, "sha256": row.sha256} and (row.kind, row.media_type) == (signatures.KIND, "image/png")
    seen = inbox.item_page(room.services, room.item(case, "sign"), reader=person("head")).steps[0]
    assert seen.signature is not None and seen.signature.id == drawn and seen.attachments == []
    act(room, case, work.reject, "head", opinion="不同意", signature=draw(room, case, "head", drawing("JPEG")))


def test_drawn_signature_is_one_s_own(room: Room) -> None:
    """手写签名 (drawn signature): another's is not taken, nor an attachment in its place, nor where none is asked for."""
    case = begin(room, step("会签", "hr", "head", signature=True), step("再签", "director"))
    drawn, attached = draw(room, case, "hr"), enclose(room, case, "head", file("x.png", drawing()))
    for taken in (drawn, attached[0]):
        with pytest.raises(NotFound):
            act(room, case, work.approve, "head", signature=taken)
    act(room, case, work.approve, "hr", signature=drawn)
    act(room, case, work.approve, "head", signature=draw(room, case, "head"))
    with pytest.raises(NotAllowed, match="asks for no signature"):
        draw(room, case, "director")
    assert wrong(room, case, work.approve, "director", signature=drawn) == {"signature"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (drawing(strokes=False), "nothing is drawn"),
        (drawing("JPEG", strokes=False), "nothing is drawn"),
        (drawing(size=(40, 20)), "nothing is drawn"),
        (PDF, "no picture"),
        (drawing()[:200], "damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "damaged"),
    ],
)
def test_drawn_signature_that_is_none(content: bytes, reason: str) -> None:
    """手写签名 (drawn signature): an empty canvas, no picture or half of one is refused with the reason."""
    with pytest.raises(SignatureUnusable, match=reason):
        signatures.picture(file("x.png", content), limit=20)


def test_drawn_signature_is_kept_small() -> None:
    """手写签名 (drawn signature): the strokes on white, cut out, whatever size and kind the picture had."""
    for kind in ("PNG", "JPEG", "WEBP"):
        kept = signatures.picture(file(content=drawing(kind, size=(4000, 3000))), limit=20)
        with Image.open(io.BytesIO(kept.content)) as image:
            assert image.format == "PNG" and image.width <= signatures.SIZE[0] and image.height <= signatures.SIZE[1]
        assert len(kept.content) < 20_000 and documents.media_type(kept.name, kept.content) == "image/png"
