"""Documents of a case: files people upload, letters the procedure makes. Stored sealed; every reading leaves its trace."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import sqlalchemy as sa

from . import ledger
from .errors import (
    FileEmpty,
    FileInfected,
    FileNotScanned,
    FileTooLarge,
    FileTypeRefused,
    NotFound,
    OperationFailed,
    SealBroken,
)
from .fields import Keyring
from .models import Document, new_id
from .ports import Answer, File, Json

if TYPE_CHECKING:
    from .services import Services
    from .turn import Turn

MEGABYTE = 1024 * 1024

#: accepted types and the endings their names may have; the first is given to a name that has none of them
TYPES: Mapping[str, Sequence[str]] = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
    "text/csv": (".csv",),
    "text/plain": (".txt",),
}
_DOCX, _XLSX = list(TYPES)[4:6]
#: what Windows takes for a device, whatever ending follows
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{device}{number}" for device in ("COM", "LPT") for number in "123456789¹²³")}


# --- what a file is


def media_type(name: str, content: bytes) -> str:
    """The type by the content itself, whatever name or browser say. Raises FileTypeRefused for what is not in TYPES."""
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"PK\x03\x04") and (office := _office_type(content)):
        return office
    if _is_text(content):
        return "text/csv" if name.lower().endswith(".csv") else "text/plain"
    raise FileTypeRefused(name=name)


def _office_type(content: bytes) -> str | None:
    """Word or Excel without macros, or None."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    if "[Content_Types].xml" not in parts or any(part.lower().endswith("vbaproject.bin") for part in parts):
        return None
    return _DOCX if "word/document.xml" in parts else _XLSX if "xl/workbook.xml" in parts else None


def _is_text(content: bytes) -> bool:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not any(unicodedata.category(char) in ("Cc", "Cn", "Co") and char not in "\t\r\n\f" for char in text)
    return False


def checked(file: File, *, limit: int) -> File:
    """The file with the type its content has and a name that is safe everywhere; `limit` in MB.

    Raises FileEmpty, FileTooLarge, FileTypeRefused.
    """
    name = safe_name(file.name)
    if not file.content:
        raise FileEmpty(name=name)
    if len(file.content) > limit * MEGABYTE:
        raise FileTooLarge(name=name, size=f"{len(file.content) / MEGABYTE:.1f}", limit=limit)
    kind = media_type(name, file.content)
    if not name.lower().endswith(tuple(TYPES[kind])):
        name += TYPES[kind][0]
    return File(kind=file.kind, name=name, media_type=kind, content=file.content)


def scanned(services: Services, files: Iterable[File]) -> None:
    """Nothing that the virus scanner finds in files is stored. To be called before a transaction begins: it asks an outside system.

    Raises the errors of `checked`, which is asked first, FileInfected, and FileNotScanned where the scanner does not answer. Without
    a scanner nothing happens.
    """
    if services.scanner is None:
        return
    for file in files:
        name = checked(file, limit=services.settings.upload_limit).name
        try:
            finding = services.scanner.scan(file.content)
        except OperationFailed as failure:
            raise FileNotScanned(name=name) from failure
        if finding:
            raise FileInfected(name=name, finding=finding)


def safe_name(name: str) -> str:
    """The last part of a path, without characters and names that some file system refuses; at most 150 characters, ending kept."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    clean = "".join("_" if char in '<>:"|?*' or unicodedata.category(char)[0] == "C" else char for char in last).strip(" .")
    if clean.partition(".")[0].rstrip().upper() in _DEVICES:
        clean = f"_{clean}"
    ending = PurePosixPath(clean).suffix[:10]
    return (clean.removesuffix(ending)[: 150 - len(ending)] + ending) or "file"


# --- storing and reading


def store(turn: Turn, file: File, *, element: str | None, document_id: str | None = None) -> str:
    """Store a file and its ledger entry with the turn's commit; gives the new document's id.

    It was brought by the turn's actor, or made by an operation when there is none. Raises the errors of `checked`.
    """
    file = checked(file, limit=turn.services.settings.upload_limit)
    document_id = document_id or new_id()
    facts = {"kind": file.kind, "name": file.name, "size": len(file.content), "sha256": hashlib.sha256(file.content).hexdigest()}
    turn.unit.add(
        Document,
        id=document_id,
        case_id=turn.case.id,
        media_type=file.media_type,
        content=turn.unit.keyring.seal(file.content, purpose(document_id)),
        element=element,
        created_at=turn.now,
        created_by=turn.actor,
        **facts,
    )
    turn.record(ledger.Event.DOCUMENT_STORED, element=element, document=document_id, **facts)
    return document_id


def store_uploads(turn: Turn, files: Mapping[str, Sequence[File]], *, element: str | None) -> dict[str, list[str]]:
    """Store what was uploaded with a form, by the key of the field; gives the ids that stand in the fields from then on."""
    return {key: [store(turn, file, element=element) for file in held] for key, held in files.items() if held}


def store_made(turn: Turn, answer: Answer, *, element: str) -> Json:
    """Store the files an operation made; gives its value with every `{"$file": n}` replaced by the id of the nth file."""
    ids = [store(turn, file, element=element) for file in answer.files]

    def placed(value: Json) -> Json:
        match value:
            case {"$file": int(number)} if len(value) == 1:
                return ids[number]
            case dict():
                return {key: placed(inner) for key, inner in value.items()}
            case list():
                return [placed(inner) for inner in value]
        return value

    return placed(answer.value) if ids else answer.value


def purpose(document_id: str) -> str:
    """What a document's content is sealed for (`Keyring.seal`)."""
    return f"documents.content/{document_id}"


@dataclass(frozen=True, kw_only=True)
class DocumentRow:
    """A document without its content."""

    id: str
    case_id: str
    kind: str
    name: str
    media_type: str
    #: bytes
    size: int
    sha256: str
    element: str | None
    created_at: dt.datetime
    #: id of a person, or None when an operation made it
    created_by: str | None
    #: the sign-off with which it was given
    sign_off_id: str | None = None


_COLUMNS = [column for column in Document.__table__.columns if column.key != "content"]


def rows(connection: sa.Connection, case_id: str) -> list[DocumentRow]:
    """The documents of a case in the order they came."""
    found = connection.execute(sa.select(*_COLUMNS).where(Document.case_id == case_id).order_by(Document.created_at, Document.id))
    return [DocumentRow(**row._mapping) for row in found]


def given_with(connection: sa.Connection, case_id: str) -> Mapping[str, Sequence[DocumentRow]]:
    """What was given with the case's sign-offs, by the id of the sign-off."""
    found: dict[str, list[DocumentRow]] = {}
    for row in rows(connection, case_id):
        if row.sign_off_id:
            found.setdefault(row.sign_off_id, []).append(row)
    return found


def find(connection: sa.Connection, document_id: str) -> DocumentRow:
    """Raises NotFound."""
    row = connection.execute(sa.select(*_COLUMNS).where(Document.id == document_id)).one_or_none()
    if row is None:
        raise NotFound(what="document", name=document_id)
    return DocumentRow(**row._mapping)


def content(connection: sa.Connection, keyring: Keyring, row: DocumentRow) -> bytes:
    """The file as it was stored. Raises the errors of `Keyring.unseal`, and SealBroken where the digest no longer fits."""
    sealed = connection.execute(sa.select(Document.content).where(Document.id == row.id)).scalar_one()
    plain = keyring.unseal(sealed, purpose(row.id))
    if hashlib.sha256(plain).hexdigest() != row.sha256:
        raise SealBroken(purpose=purpose(row.id))
    return plain
