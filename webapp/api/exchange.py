"""Reading requests and writing answers: what every part of the JSON interface shares."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import io
from collections.abc import Mapping, Sequence, Set
from typing import Any

from flask import Blueprint, request, send_file
from werkzeug.exceptions import HTTPException

from engine.errors import PartwellError
from engine.models import new_id
from engine.ports import File

#: levels of lists and objects in a body; forms have three
DEPTH = 50
_DEEP = f"the body is nested more than {DEPTH} levels deep"

api = Blueprint("api", __name__, url_prefix="/api/v1")


class RequestInvalid(PartwellError):
    """The request cannot be used: {reason}."""

    status = 400

    def __init__(self, *, reason: str, field: str = "") -> None:
        #: messages by field, as in `FormInvalid`
        self.fields = {field: [reason]} if field else {}
        super().__init__(reason=reason)


def plain(value: Any) -> Any:
    """Dataclasses, moments and sets as JSON."""
    match value:
        case enum.Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case dt.datetime():
            return value.isoformat()
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case Mapping():
            return {str(key): plain(inner) for key, inner in value.items()}
        case Set():
            return sorted(plain(inner) for inner in value)
        case Sequence():
            return [plain(inner) for inner in value]
    return str(value)


def body() -> dict[str, Any]:
    """The JSON object sent, {} for none. Raises RequestInvalid."""
    if not request.get_data(cache=True):
        return {}
    try:
        sent = request.get_json(force=True)
    except HTTPException:
        raise RequestInvalid(reason="the body is not JSON") from None
    except RecursionError:
        raise RequestInvalid(reason=_DEEP) from None
    if _deeper(sent, DEPTH):
        raise RequestInvalid(reason=_DEEP)
    if not isinstance(sent, dict):
        raise RequestInvalid(reason="the body must be a JSON object")
    return sent


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects lie in each other more than `levels` deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_deeper(one, levels - 1) for one in inner if isinstance(one, (dict, list)))


def field(sent: Mapping[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """One field of the body in its type; missing ones need a default. Raises RequestInvalid naming the field."""
    value = sent.get(name)
    if value is None:
        if default is None:
            raise RequestInvalid(reason=f"“{name}” is missing", field=name)
        return default
    if not isinstance(value, kind):
        called = {str: "text", dict: "an object", list: "a list"}[kind]
        raise RequestInvalid(reason=f"“{name}” must be {called}", field=name)
    if isinstance(value, str) and ("\0" in value or (not value.isascii() and any(0xD800 <= ord(char) < 0xE000 for char in value))):
        raise RequestInvalid(reason=f"“{name}” holds characters that cannot be stored", field=name)
    return value


def texts(sent: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts in the body. Raises as `field`."""
    listed: list[Any] = field(sent, name, list)
    if not all(isinstance(text, str) for text in listed):
        raise RequestInvalid(reason=f"“{name}” must be a list of texts", field=name)
    return listed


def request_id() -> str:
    given = request.headers.get("Request-Id", "")
    if len(given) > 100 or not given.isprintable():
        raise RequestInvalid(reason="the Request-Id header has at most 100 printable characters")
    return given or new_id()


def number(name: str, default: int, largest: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isdecimal() and text.isascii() and 1 <= int(text[:9]) <= largest):
        raise RequestInvalid(reason=f"“{name}” must be a whole number from 1 to {largest}", field=name)
    return int(text)


def words() -> str:
    return request.args.get("search", "").replace("\0", "")[:100]


def files_of(sent: Mapping[str, Any]) -> dict[str, list[File]]:
    """`files` of the body: {field: [{name, content (base64), media_type?}]}. Raises RequestInvalid."""
    found: dict[str, list[File]] = {}
    for path, held in field(sent, "files", dict, {}).items():
        if not isinstance(held, list):
            raise RequestInvalid(reason=f"“files.{path}” must be a list", field=f"files.{path}")
        for one in held:
            if not isinstance(one, dict):
                raise RequestInvalid(reason=f"“files.{path}” must hold objects", field=f"files.{path}")
            try:
                content = base64.b64decode(field(one, "content", str), validate=True)
            except ValueError:
                raise RequestInvalid(reason=f"the content of a file in “{path}” is not base64", field=f"files.{path}") from None
            kind = path.rpartition(".")[2][:50]
            name, media_type = field(one, "name", str), field(one, "media_type", str, "")
            found.setdefault(path, []).append(File(kind=kind, name=name, media_type=media_type, content=content))
    return found


def download(file: File) -> Any:
    """A file as its own kind, to be saved."""
    return send_file(io.BytesIO(file.content), mimetype=file.media_type, as_attachment=True, download_name=file.name)
