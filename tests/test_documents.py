"""Documents: what is taken, how it is kept, who opens it, and the letters made of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from small_case import FILES, PNG, closed, house, houses, open_item, person, started

from engine import documents, ledger, originals, work
from engine.errors import FileEmpty, FileTooLarge, FileTypeRefused, NotAllowed, NotFound, Refused, SealBroken
from engine.letters.operations import DraftLetter, RenderLetter
from engine.models import Case, Document
from engine.ports import Call, File
from engine.services import Services
from webapp.pdf import TypstRenderer


def office(*parts: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part in ("[Content_Types].xml", *parts):
            archive.writestr(part, "<x/>")
    return packed.getvalue()


def upload(name: str, content: bytes) -> File:
    return File(kind="attachment", name=name, media_type="text/html", content=content)


@pytest.mark.parametrize(
    ("name", "content", "kind", "stored_as"),
    [
        ("a.pdf", b"%PDF-1.7 ...", "application/pdf", "a.pdf"),
        ("photo", PNG, "image/png", "photo.png"),
        ("a.JPEG", b"\xff\xd8\xff\xe0....", "image/jpeg", "a.JPEG"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", "a.webp"),
        ("a.docx", office("word/document.xml"), list(documents.TYPES)[4], "a.docx"),
        ("a.xlsx", office("xl/workbook.xml"), list(documents.TYPES)[5], "a.xlsx"),
        ("考勤.csv", "姓名,日期\n".encode("gb18030"), "text/csv", "考勤.csv"),
        ("说明.txt", "说明".encode(), "text/plain", "说明.txt"),
        ("page.html", b"<script>alert(1)</script>", "text/plain", "page.html.txt"),
        ("picture.png", b"%PDF-1.7", "application/pdf", "picture.png.pdf"),
    ],
)
def test_the_content_says_what_a_file_is(name: str, content: bytes, kind: str, stored_as: str) -> None:
    """The type comes from the content, whatever the name and the browser say; a misleading ending gets the true one behind it."""
    found = documents.checked(upload(name, content), limit=1)
    assert (found.media_type, found.name) == (kind, stored_as)


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\x00\x03\x00\x00\x00",
        b"\x7fELF\x02\x01\x01\x00",
        b"PK\x03\x04 no archive",
        office("word/document.xml", "word/vbaProject.bin"),
        office("other.xml"),
        b"GIF89a\x00\x01",
        b"text with \x00 in it",
    ],
)
def test_other_files_are_refused(content: bytes) -> None:
    """Programs, macros, plain archives and unknown formats are refused by name."""
    with pytest.raises(FileTypeRefused, match=r"a\.docx"):
        documents.checked(upload("a.docx", content), limit=1)


def test_empty_and_oversized_files_are_refused() -> None:
    """Nothing and too much are each refused with their own sentence."""
    with pytest.raises(FileEmpty):
        documents.checked(upload("a.txt", b""), limit=1)
    assert documents.checked(upload("a.txt", b"x" * documents.MEGABYTE), limit=1)
    with pytest.raises(FileTooLarge, match=r"1\.0 MB; at most 1 MB"):
        documents.checked(upload("a.txt", b"x" * (documents.MEGABYTE + 1)), limit=1)


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\合同.pdf", "合同.pdf"),
        ('a<b>:"|?*.txt', "a_b______.txt"),
        ("evil\x00\u202egpj.exe", "evil__gpj.exe"),
        ("...", "file"),
        ("nul.tar.txt", "_nul.tar.txt"),
        ("COM1", "_COM1"),
        ("", "file"),
        ("长" * 300 + ".docx", "长" * 145 + ".docx"),
    ],
)
def test_names_are_made_safe(given: str, safe: str) -> None:
    """A name keeps its last part and its ending, and loses what could trick a person or a file system."""
    assert documents.safe_name(given) == safe


# --- in a case


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def services(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with houses(tmp_path_factory.mktemp("documents"), request.param) as services:
        yield services


@pytest.fixture(scope="module")
def case_id(services: Services) -> str:
    found = started(services)
    closed(services, found)
    return found


def rows(services: Services, case_id: str) -> dict[str, documents.DocumentRow]:
    with services.database.reading() as connection:
        return {row.kind: row for row in documents.rows(connection, case_id)}


def last_entry(services: Services, case_id: str) -> ledger.Entry:
    with services.database.reading() as connection:
        return ledger.history(connection, services.keyring, case_id)[-1]


def test_an_upload_and_a_letter_are_kept(services: Services, case_id: str) -> None:
    """The upload is there with its true type and whoever brought it, the letter without one; each has its ledger entry."""
    found = rows(services, case_id)
    photo, notice = found["attachment"], found["notice"]
    assert (photo.media_type, photo.created_by, photo.sha256) == ("image/png", person("boss"), hashlib.sha256(PNG).hexdigest())
    assert (notice.name, notice.media_type, notice.created_by, notice.element) == ("通知书.pdf", "application/pdf", None, "notice")
    with services.database.reading() as connection:
        told = [e for e in ledger.history(connection, services.keyring, case_id) if e.event == "evidence:document:stored"]
    assert {(e.payload["document"], e.payload["sha256"]) for e in told} == {(row.id, row.sha256) for row in found.values()}


def test_the_variable_holds_the_letters_id(services: Services, case_id: str) -> None:
    """The output mapping of the letter's task sees the id under which the letter was stored."""
    with services.database.reading() as connection:
        case = connection.execute(sa.select(Case.__table__).where(Case.id == case_id)).one()
    state = services.keyring.unseal(case.state, f"cases.state/{case_id}")
    assert services.programs.get(case.version_id).program.restore(state).variables()["notice"] == rows(services, case_id)["notice"].id


def test_the_database_does_not_show_the_content(services: Services, case_id: str) -> None:
    """What lies in the table is sealed, and cannot be moved to another document's row."""
    found = rows(services, case_id)
    with services.database.unit() as unit:
        sealed = dict(unit.connection.execute(sa.select(Document.id, Document.content)).all())
        assert PNG not in sealed[found["attachment"].id]
        swap = sa.update(Document).where(Document.id == found["notice"].id)
        unit.connection.execute(swap.values(content=sealed[found["attachment"].id]))
        with pytest.raises(SealBroken):
            documents.content(unit.connection, services.keyring, found["notice"])


def test_reading_is_recorded(services: Services, case_id: str) -> None:
    """Whoever opens a document gets it unchanged and stands in the ledger, whose chain stays whole."""
    photo = rows(services, case_id)["attachment"]
    file = originals.read_document(services, photo.id, reader=person("hr"))
    assert (file.content, file.name) == (PNG, "面谈照片.png")
    entry = last_entry(services, case_id)
    assert (entry.event, entry.actor, entry.payload["document"]) == ("evidence:document:read", person("hr"), photo.id)
    with services.database.reading() as connection:
        case = connection.execute(sa.select(Case.entries, Case.head, Case.closed_at).where(Case.id == case_id)).one()
        assert not ledger.faults(ledger.history(connection, services.keyring, case_id), head=case.head, count=case.entries)
    assert case.closed_at is not None


def test_strangers_and_unknown_ids_get_nothing(services: Services, case_id: str) -> None:
    """Somebody who is not part of the case is refused, without an entry; an id that does not exist is not found."""
    before = last_entry(services, case_id).number
    with pytest.raises(NotAllowed):
        originals.read_document(services, rows(services, case_id)["notice"].id, reader=person("stranger"))
    with pytest.raises(NotFound):
        originals.read_document(services, "0" * 32, reader=person("hr"))
    assert last_entry(services, case_id).number == before


def test_the_subject_opens_what_was_served(services: Services, case_id: str) -> None:
    """The employee concerned opens the notice that was served on them, and not what others put into the case."""
    found = rows(services, case_id)
    assert originals.read_document(services, found["notice"].id, reader=person("subject")).name == "通知书.pdf"
    with pytest.raises(NotAllowed):
        originals.read_document(services, found["attachment"].id, reader=person("subject"))


def test_of_refused_uploads_nothing_is_stored(tmp_path: Path) -> None:
    """One file that cannot be taken among several: none of them is stored, and the ledger says nothing of them."""
    services = house(tmp_path)
    case_id = started(services)
    files = {"photos": [upload("a.png", PNG), upload("a.exe", b"MZ\x00")]}
    before = last_entry(services, case_id)
    with pytest.raises(FileTypeRefused):
        work.attach(services, open_item(services, case_id), actor=person("boss"), files=files)
    assert not rows(services, case_id) and last_entry(services, case_id) == before


# --- letters


def call(operation: str, template: str, locale: str = "zh-CN", **given: object) -> Call:
    headers = {"template": template, "kind": "notice", "title": "通知书"}
    now = dt.datetime(2026, 11, 24, 17, 0, tzinfo=dt.UTC)
    return Call(operation=operation, key="k", input=given, headers=headers, case="c", attempt=1, now=now, locale=locale)


SUBJECT = {"subject": {"name": "林小北"}, "hours": 2.5, "points": ["一、事实", "二、依据"]}


def render() -> RenderLetter:
    return RenderLetter(TypstRenderer(), lambda case: FILES, zone="Asia/Shanghai")


def test_a_letter_carries_the_day_it_is_made() -> None:
    """Without a date of its own a letter is dated in the company's time zone, and every attempt of a day gives the same bytes."""
    once = render().call(call("document.render", "notice", **SUBJECT))
    assert once.value["date"] == "2026-11-25"  # 17:00 in Greenwich is the next day in Shanghai
    assert once.value["sha256"] == hashlib.sha256(once.files[0].content).hexdigest()
    assert render().call(call("document.render", "notice", **SUBJECT)).files == once.files
    assert render().call(call("document.render", "notice", date="2026-12-01", **SUBJECT)).value["date"] == "2026-12-01"


@pytest.mark.parametrize(
    ("template", "given", "said"),
    [
        ("nothing", SUBJECT, "no such letter: nothing"),
        ("notice", {"hours": 2}, "subject"),
        ("notice", SUBJECT | {"date": "soon"}, "soon"),
        ("notice", SUBJECT | {"charts": {"usage": 5}}, "charts"),
    ],
)
def test_a_letter_that_cannot_be_made_says_why(template: str, given: dict[str, object], said: str) -> None:
    """A missing template or value is refused, naming it, so that a person can correct the input."""
    with pytest.raises(Refused, match=said):
        render().call(call("document.render", template, **given))


def draft() -> DraftLetter:
    return DraftLetter(lambda case: FILES)


def test_a_draft_is_filled_from_the_input() -> None:
    """Dotted places get their values, a list line by line, a whole number without its fraction; braces in the data stay text."""
    filled = draft().call(call("document.draft", "plan", **SUBJECT | {"hours": 2.0, "subject": {"name": "{hours}"}}))
    assert filled.value == {"text": "{hours}，日均 2 小时。\n一、事实\n二、依据\n"}


def test_a_draft_comes_in_the_language_of_the_case() -> None:
    """Where the procedure has the letter in the case's language, that one is taken."""
    text = draft().call(call("document.draft", "plan", locale="en", **SUBJECT)).value["text"]
    assert text.startswith("林小北: 2.5 hours a day.")


@pytest.mark.parametrize("missing", [{"hours": None}, {"hours": True}, {"hours": {"a": 1}}, {"subject": {}}, {"points": [["x"]]}])
def test_a_draft_never_invents(missing: dict[str, object]) -> None:
    """A place without a text or number in the input is refused by its name."""
    with pytest.raises(Refused, match=r"no text or number: (hours|subject\.name|points)"):
        draft().call(call("document.draft", "plan", **SUBJECT | missing))
