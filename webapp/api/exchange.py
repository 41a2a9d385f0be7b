"""Declaring an address, reading its requests and writing its answers: what every part of the JSON interface shares."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import hashlib
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Blueprint, current_app, jsonify, request, send_file
from werkzeug.exceptions import UnsupportedMediaType

from engine.errors import PartwellError
from engine.models import new_id
from engine.ports import File

from .. import uploads
from ..accounts import me
from ..i18n import N_
from .shapes import RequestInvalid, Shape, Whole

#: levels of lists and objects in a body; forms have three
DEPTH = 50
_DEEP = f"the body is nested more than {DEPTH} levels deep"
#: what makes a repeated write harmless
KEY = "Idempotency-Key"
#: longest page of a list
LARGEST_PAGE = 100

api = Blueprint("api", __name__, url_prefix="/api/v1")

View = TypeVar("View", bound=Callable[..., Any])

#: answers that are a file
FILE: Any = File


@dataclasses.dataclass(frozen=True, kw_only=True)
class Declared:
    """What an address takes and gives; its docstring says what it is for."""

    #: fields of the body by name; a query's fields
    takes: Mapping[str, Shape]
    asks: Mapping[str, Shape]
    #: a dataclass, [one], {name: one, …}, a type, `FILE`, or None for nothing; see `description.schema`
    gives: Any
    #: status of the answer; a tuple where it depends
    status: tuple[int, ...]
    #: what it is for (`description.SCOPES`), `any`, or "" where nobody needs to log in
    scope: str
    #: files come as multipart/form-data
    upload: bool
    #: what it gives has an ETag; it changes only what If-Match names (`matching`)
    tagged: bool = False
    matched: bool = False
    #: field of the body with which If-Match is not sent, since it says what was read
    unless: str = ""

    @property
    def largest(self) -> int | None:
        """Megabytes of its body; None: as many as an upload may have."""
        holds = [shape.largest for shape in self.takes.values()]
        return None if self.upload or None in holds else max(filter(None, holds), default=Shape.largest)


def declared(
    *,
    scope: str,
    gives: Any = None,
    status: int | tuple[int, ...] = 0,
    takes: Mapping[str, Shape] | None = None,
    asks: Mapping[str, Shape] | None = None,
    upload: bool = False,
    tagged: bool = False,
    matched: bool = False,
    unless: str = "",
) -> Callable[[View], View]:
    """Declare what an address takes and gives; stands below the route."""
    usual = (200,) if gives else (204,)
    given = status if isinstance(status, tuple) else (status,) if status else usual
    headers: dict[str, Any] = {"tagged": tagged, "matched": matched, "unless": unless}
    said = Declared(takes=takes or {}, asks=asks or {}, gives=gives, scope=scope, upload=upload, status=given, **headers)

    def mark(view: View) -> View:
        view.declared = said  # type: ignore[attr-defined]
        return view

    return mark


def declaration(endpoint: str) -> Declared:
    """Of the address of this endpoint. Raises AttributeError where it declares nothing."""
    found: Declared = current_app.view_functions[endpoint].declared  # type: ignore[attr-defined]
    return found


#: fields of the query of lists that have pages
SIZE = Whole(N_("Rows of a page"), default=20, most=LARGEST_PAGE)
PAGES: Mapping[str, Shape] = {"page": Whole(N_("Number of the page"), default=1, most=100_000), "size": SIZE}


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
    """What was sent, by the declaration of the address; what is not declared is left out. Raises RequestInvalid."""
    sent = _object()
    return {name: shape.read(sent.get(name), (name,)) for name, shape in declaration(str(request.endpoint)).takes.items()}


def _object() -> dict[str, Any]:
    """The JSON object sent, {} for none. Raises RequestInvalid."""
    data = uploads.body()
    if not data:
        return {}
    if request.mimetype and not request.is_json:
        raise UnsupportedMediaType()
    try:
        sent = json.loads(data, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise RequestInvalid(reason=_DEEP) from None
    except ValueError:
        raise RequestInvalid(reason="the body is not JSON") from None
    if _deeper(sent, DEPTH):
        raise RequestInvalid(reason=_DEEP)
    if not isinstance(sent, dict):
        raise RequestInvalid(reason="the body must be a JSON object")
    return sent


def _no_number(text: str) -> Any:
    raise ValueError(text)


def _finite(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(text)
    return found


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects lie in each other more than `levels` deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_deeper(one, levels - 1) for one in inner if isinstance(one, (dict, list)))


def asked() -> dict[str, Any]:
    """The query, by the declaration of the address. Raises RequestInvalid."""
    found = {}
    for name, shape in declaration(str(request.endpoint)).asks.items():
        given: Any = request.args.get(name)
        if given and isinstance(shape, Whole):
            given = int(given[:9]) if given.isdecimal() and given.isascii() else given
        try:
            found[name] = shape.read(given, (name,))
        except RequestInvalid as wrong:
            raise RequestInvalid(**wrong.facts, at=wrong.at, place="query") from None
    return found


class ScopeLacking(PartwellError):
    """This token is not made for that: "{scope}" is not among its scopes. An administrator makes tokens; no token decides for people."""

    status = 403


@api.before_request
def known() -> None:
    """Nothing of a request is looked at before it is known whose it is, and whether a token is for it. Raises LogInNeeded, ScopeLacking."""
    scope = declaration(str(request.endpoint)).scope
    if scope and (scopes := me().scopes) is not None and scope != "any" and scope not in scopes:
        raise ScopeLacking(scope=scope)


@api.before_request
def sized() -> None:
    """No body is read that is larger than what the address takes."""
    largest = declaration(str(request.endpoint)).largest
    if largest is not None:
        uploads.at_most(largest)


def request_id() -> str:
    """The id by which the engine knows a write that it has done already."""
    given = request.headers.get(KEY, "")
    if len(given) > 100 or not given.isprintable():
        raise RequestInvalid(reason=f"the {KEY} header has at most 100 printable characters", field=KEY, place="header")
    return known_as(me().id, given) if given else new_id()


def known_as(person: str, key: str) -> str:
    """The id for a person's key. Everybody counts their keys as they like: one person's are none of another's."""
    return hashlib.sha256(f"{person}\0{key}".encode()).hexdigest()[:32]


def linked(content: Mapping[str, Any], **others: Mapping[str, Any] | None) -> Any:
    """A page of a list, with a Link header (RFC 8288) of the others: what is different in their query, by their relation."""
    answer = jsonify(content)
    for relation, different in others.items():
        if different:
            query = urlencode({**request.args.to_dict(), **different})
            answer.headers.add("Link", f'<{request.path}?{query}>; rel="{relation}"')
    return answer


def paged(content: Mapping[str, Any], total: int) -> Any:
    """A page of a list whose pages are counted, as `linked`."""
    given = asked()
    page, last = given["page"], max(1, -(-total // given["size"]))
    others = {"first": 1, "prev": page - 1, "next": page + 1, "last": last}
    return linked({**content, "total": total}, **{name: {"page": at} for name, at in others.items() if 1 <= at <= last})


def download(file: File) -> Any:
    """A file as its own kind, to be saved."""
    return send_file(io.BytesIO(file.content), mimetype=file.media_type, as_attachment=True, download_name=file.name)
