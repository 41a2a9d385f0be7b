"""The JSON interface described for programs (OpenAPI 3.1), from the declarations that read its requests and write its answers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import importlib.metadata
import types
import typing
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from flask import Flask
from werkzeug.routing import BaseConverter, IntegerConverter, Rule

from engine import announcing
from engine.ports import Announcement

from ..i18n import N_, gettext
from . import matching
from .exchange import FILE, KEY, Declared, api
from .shapes import Shape

#: what addresses are for, by the name under which they are declared and described
SCOPES = {
    "read:cases": N_("See cases, their documents and snapshots"),
    "start": N_("Start cases, and see of whom"),
    "prepare": N_("See what waits for the person, and prepare it: drafts and files"),
    "work": N_("Do what waits for the person; for no token, since people decide"),
    "own": N_("What people set for themselves; for no token"),
    "messages": N_("Send messages and signals"),
    "admin:cases": N_("Change the course of cases and repair incidents"),
    "read:procedures": N_("Read procedures: versions, drafts and their files, such as into a folder in git"),
    "write:procedures": N_("Change drafts of procedures and publish them, such as from a folder in git"),
    "admin:procedures": N_("Activate, suspend and roll back versions of procedures, and move their cases"),
    "admin:chains": N_("Edit approval chains"),
    "admin:people": N_("Hand over what people hold"),
    "read:people": N_("See the directory of people"),
    "import:people": N_("Bring people, departments and roles into the directory"),
}
#: scopes that a token can have; whoever logs in has all of them
OF_TOKENS = tuple(scope for scope in SCOPES if scope not in ("work", "own", "admin:cases"))
_PARAMETERS = {
    "case_id": N_("Id of a case"),
    "item_id": N_("Id of a work item"),
    "sign_off_id": N_("Id of a sign-off"),
    "person_id": N_("Id of a person"),
    "substitution_id": N_("Id of a substitution"),
    "incident_id": N_("Id of an incident"),
    "job_id": N_("Id of the timer's job, as the case names it"),
    "document_id": N_("Id of a document"),
    "snapshot_id": N_("Id of a snapshot"),
    "view_id": N_("Id of a view"),
    "delivery_id": N_("Id of what could not be sent"),
    "instance": N_("Instance that waits, as the case names it"),
    "procedure": N_("Key of a procedure"),
    "version": N_("Number of a version"),
    "publication_id": N_("Id of a publication"),
    "key": N_("Key of a chain"),
}
_ABOUT = N_(
    "The same use cases as the pages. A program sends a token in the Authorization header as “Bearer …”: one with scopes that an "
    "administrator made, or that of a session from POST /session, which may do what its person may. "
    "Times are ISO 8601 with offset, ids are texts. Lists come in pages of at most 100, with a Link header. "
    "Failures are problem details (RFC 9457) with a stable “code”."
)
_KEY_SAYS = N_(
    "The same request under the same key gives the same result instead of a second act; another one is refused (422). Kept for a day."
)
_TAG_SAYS = N_("What a change of this names in its If-Match")
_MATCH_SAYS = N_("ETag of what was read: 428 without it, 412 where it was changed since")
_UNLESS_SAYS = N_("ETag of what was read: 428 without it unless the body has “%(field)s”, 412 where it was changed since")
#: headers of what is posted to outside systems that listen
_POSTED = {
    KEY: N_("The same for every attempt"),
    "X-Partwell-Timestamp": N_("Seconds since 1970 at which the attempt began"),
    "X-Partwell-Signature": N_("“sha256=” and the hexadecimal HMAC-SHA256 of the timestamp, a dot and the body under the secret"),
}
_EVENTS_SAY = N_(
    "What one act did in a case, posted to each connector of the type webhook that names such events in its settings. Answer with a "
    "status of 2xx; anything else is tried again or shown to administrators. Attempts come at least once and in any order: tell "
    "repetitions by the key, and order events by their number in the case."
)
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "reference": {"type": "string"},
        "theirs": {"type": "array", "items": {"type": "string"}},
        "both": {"type": "array", "items": {"type": "string"}},
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["file", "message"],
                "properties": {
                    **{name: {"type": "string"} for name in ("file", "severity", "code", "message")},
                    **{name: {"type": ["string", "null"]} for name in ("element", "name")},
                    "line": {"type": ["integer", "null"]},
                },
            },
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {name: {"type": "string"} for name in ("detail", "pointer", "parameter", "header")},
            },
        },
    },
    "examples": [
        {
            "type": "about:blank",
            "title": "Something needs your attention",
            "status": 422,
            "detail": "Some fields need your attention before this can be saved.",
            "code": "form_invalid",
            "errors": [{"pointer": "/values/what", "detail": "Please fill this in."}],
        }
    ],
}
_PLAIN: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    bytes: {"type": "string"},
    dt.datetime: {"type": "string", "format": "date-time"},
    dt.date: {"type": "string", "format": "date"},
    type(None): {"type": "null"},
    Any: {},
}


def schema(kind: Any, components: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of what `exchange.plain` makes of a type; dataclasses are put into the components.

    Beside types: `[one]` a list, `{"name": one}` an object, `{dataclass: {"name": one}}` one with further or other fields.
    """
    match kind:
        case [one] if isinstance(kind, list):
            return {"type": "array", "items": schema(one, components)}
        case dict():
            [first, *_] = kind
            if isinstance(first, str):
                return {
                    "type": "object",
                    "properties": {name: schema(one, components) for name, one in kind.items()},
                    "required": [*kind],
                }
            further = kind[first]
            own = {field.name: one for field, one in _fields(first) if field.name not in further}
            return schema({**own, **further}, components)
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [schema(one, components) for one in inner]}
    if dataclasses.is_dataclass(kind):
        return _component(kind, components)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [one.value for one in kind]}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": schema(inner[1], components)}
    if origin is not None and issubclass(origin, (Sequence, Set)):
        return {"type": "array", "items": schema(inner[0], components)}
    raise TypeError(f"{kind!r} has no schema")


def _component(kind: Any, components: dict[str, Any]) -> dict[str, Any]:
    name = f"{kind.__module__.partition('.')[2]}.{kind.__name__}"
    if name not in components:
        components[name] = {}  # it may hold itself
        components[name] = schema({field.name: one for field, one in _fields(kind)}, components)
    return {"$ref": f"#/components/schemas/{name}"}


def _fields(kind: Any) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
    hints = typing.get_type_hints(kind)
    return ((field, hints[field.name]) for field in dataclasses.fields(kind))


def routes(app: Flask) -> Iterator[tuple[Rule, str, str, tuple[str, ...]]]:
    """Every address of the interface: its rule, path template, what a verb in it stands for (or ""), and the methods.

    An address for several verbs gives one path for each.
    """
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith(f"{api.name}."):
            continue
        methods = tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        path = "".join(f"{{{text}}}" if dynamic else text for dynamic, text in rule._trace if text != "|").replace("|", "")
        verbs: Sequence[str] = getattr(rule._converters.get("verb"), "items", ())
        for verb in verbs or ("",):
            yield rule, path.replace("{verb}", verb), verb, methods


def description(app: Flask) -> dict[str, Any]:
    """The document, in the language of the reader."""
    components: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for rule, path, verb, methods in routes(app):
        view = app.view_functions[rule.endpoint]
        for method in methods:
            said = _operation(view, view.declared, rule, verb, method, components)  # type: ignore[attr-defined]
            paths.setdefault(path.removeprefix(api.url_prefix or ""), {})[method.lower()] = said
    return {
        "openapi": "3.1.0",
        "info": {"title": gettext("Partwell"), "version": importlib.metadata.version("partwell"), "description": gettext(_ABOUT)},
        "servers": [{"url": api.url_prefix}],
        "tags": [{"name": scope, "description": gettext(says)} for scope, says in SCOPES.items()],
        "paths": dict(sorted(paths.items())),
        "webhooks": {"events": {"post": _posted(components)}},
        "components": {
            "schemas": {"problem": PROBLEM, **dict(sorted(components.items()))},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "problem": {
                    "description": gettext("It could not be done; “code” and “detail” say why"),
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
                }
            },
        },
    }


def _posted(components: dict[str, Any]) -> dict[str, Any]:
    """What an outside system gets that listens to events."""
    told = schema(Announcement, components)
    components["ports.Happened"]["properties"]["event"] = {"type": "string", "enum": [event.value for event in announcing.OFFERED]}
    return {
        "operationId": "events",
        "summary": gettext("Something happened in a case"),
        "description": gettext(_EVENTS_SAY),
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": gettext(says), "schema": {"type": "string"}}
            for name, says in _POSTED.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": told}}},
        "responses": {"2XX": {"description": gettext("It was taken")}},
    }


def _operation(view: Any, said: Declared, rule: Rule, verb: str, method: str, components: dict[str, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "description": gettext(_PARAMETERS[name]), "schema": _of_path(converter)}
        for name, converter in sorted(rule._converters.items())
        if name != "verb"
    ]
    parameters += [{"name": name, "in": "query", "required": shape.needed, "schema": _not_null(shape)} for name, shape in said.asks.items()]
    if method == "POST":
        parameters.append({"name": KEY, "in": "header", "description": gettext(_KEY_SAYS), "schema": {"type": "string", "maxLength": 100}})
    if said.matched:
        says = gettext(_UNLESS_SAYS, field=said.unless) if said.unless else gettext(_MATCH_SAYS)
        match = {"required": not said.unless, "description": says, "schema": {"type": "string"}, "example": '"7"'}
        parameters.append({"name": matching.WANTED, "in": "header", **match})
    refused = ("4XX", "5XX", *(("412", "428") if said.matched else ()))
    found: dict[str, Any] = {
        "operationId": ".".join((rule.endpoint.partition(".")[2], *filter(None, [verb]))),
        "summary": gettext(summary(view)),
        "parameters": parameters,
        "responses": {
            **{str(status): _answer(said, components) for status in said.status},
            **{status: {"$ref": "#/components/responses/problem"} for status in refused},
        },
    }
    if said.scope in SCOPES:
        found["tags"] = [said.scope]
    found["security"] = [{"token": [said.scope] if said.scope in SCOPES else []}] if said.scope else []
    if said.takes or said.upload:
        found["requestBody"] = _body(said)
    return found


def _of_path(converter: BaseConverter) -> dict[str, Any]:
    if isinstance(converter, IntegerConverter):
        return {"type": "integer", "minimum": 0, **({"maximum": converter.max} if converter.max is not None else {})}
    return {"type": "string", "minLength": 1}


def summary(view: Any) -> str:
    """What an address is for: the docstring of its view."""
    return " ".join((view.__doc__ or "").split())


def _not_null(shape: Shape) -> dict[str, Any]:
    """The schema of a field of a query: left out, but never null."""
    return {**shape.described(), "type": shape.kind, **shape.limits()}


def _body(said: Declared) -> dict[str, Any]:
    if said.upload:
        files = {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}}
        return {"required": True, "content": {"multipart/form-data": {"schema": {"type": "object", "additionalProperties": files}}}}
    needed = [name for name, shape in said.takes.items() if shape.needed]
    fields = {name: shape.described() for name, shape in said.takes.items()}
    whole = {"type": "object", "properties": fields, **({"required": needed} if needed else {})}
    example = {name: shape.example for name, shape in said.takes.items() if shape.example is not None}
    content = {"schema": whole, **({"example": example} if set(needed) <= set(example) else {})}
    return {"required": bool(needed), "content": {"application/json": content}}


def _answer(said: Declared, components: dict[str, Any]) -> dict[str, Any]:
    if said.gives is None:
        return {"description": gettext("It is done")}
    if said.gives is FILE:
        return {"description": gettext("The file"), "content": {"*/*": {"schema": {}}}}
    answer = {"description": gettext("The answer"), "content": {"application/json": {"schema": schema(said.gives, components)}}}
    tag = {matching.GIVEN: {"description": gettext(_TAG_SAYS), "schema": {"type": "string"}}}
    return {**answer, **({"headers": tag} if said.tagged else {})}
