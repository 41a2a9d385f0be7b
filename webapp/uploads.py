"""What is sent to the application, files above all: none is read into memory before its size is known."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable
from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from engine import documents
from engine.errors import FileEmpty, FileInfected, FileNotScanned, FileTooLarge, FileTypeRefused, NotAllowed
from engine.ports import File

from .accounts import services
from .i18n import error_text

#: what a page keeps of uploaded files until they are taken over
_KEPT = 3 * 1024 * 1024
#: why a file is not taken; the rest of its form is
REFUSED = (FileEmpty, FileInfected, FileNotScanned, FileTooLarge, FileTypeRefused)


def at_most(megabytes: int) -> None:
    """This request's body is refused (413) where it is larger, before it is read."""
    request.max_content_length = megabytes * documents.MEGABYTE


def body() -> bytes:
    """The body. Raises RequestEntityTooLarge, also for one that is sent in chunks: of that the request itself gives the beginning."""
    found = request.get_data(cache=True)
    if request.content_length is None and len(found) == request.max_content_length:
        raise RequestEntityTooLarge()
    return found


def uploaded(sent: Any, kind: str = "") -> File:
    """What a person chose, as a file of a kind. Raises FileTooLarge."""
    limit = services().settings.upload_limit
    size = sent.stream.seek(0, 2)
    if size > limit * documents.MEGABYTE:
        name = documents.safe_name(sent.filename or "")
        raise FileTooLarge(name=name, size=f"{size / documents.MEGABYTE:.1f}", limit=limit)
    sent.stream.seek(0)
    return File(kind=kind[:50], name=sent.filename or "", media_type=sent.mimetype or "", content=sent.stream.read())


def received(chosen: Iterable[tuple[str, Any]], refused: dict[str, list[str]] | None = None) -> dict[str, list[File]]:
    """Uploaded files by the path of their field. Those that are too large are told in `refused`, without it FileTooLarge is raised."""
    found: dict[str, list[File]] = {}
    for path, sent in chosen:
        try:
            found.setdefault(path, []).append(uploaded(sent, path.rpartition(".")[2]))
        except FileTooLarge as refusal:
            if refused is None:
                raise
            refused.setdefault(path, []).append(error_text(refusal))
    return found


def packed(files: list[tuple[str, bytes]], *, too_large: str) -> str:
    """Files as a page keeps them until they are taken over. Raises NotAllowed with the reason `too_large`."""
    plain = json.dumps([[name, base64.b64encode(content).decode()] for name, content in files]).encode()
    kept = base64.b64encode(zlib.compress(plain)).decode()
    if len(kept) > _KEPT:
        raise NotAllowed(reason=too_large)
    return kept


def unpacked(kept: str) -> list[tuple[str, bytes]]:
    """The files of a page again; none where it holds something else."""
    try:
        plain = zlib.decompressobj().decompress(base64.b64decode(kept), 64 * 1024 * 1024)
        return [(str(name), base64.b64decode(content)) for name, content in json.loads(plain)]
    except (binascii.Error, zlib.error, ValueError, TypeError):
        return []
