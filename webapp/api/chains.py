"""Approval chains, for administrators: drafts, checking, trying, publishing, history."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

from flask import Response

from engine.chains import differences, drafts, exchange, explain, preview, versions
from engine.chains.company import Company
from engine.chains.faults import Fault
from engine.chains.resolve import Resolved
from engine.errors import DraftChanged, NotFound
from engine.work import reresolving

from .. import i18n
from ..accounts import me, services
from ..chainsituation import situation
from ..effective import effective
from ..i18n import N_
from .exchange import FILE, api, asked, body, declared, plain, request_id
from .matching import NotAsRead, Superseded, revision_read, tagged
from .shapes import REASON, Listed, Object, Text, Whole

_STEPS = N_("Steps of the chain, as a draft has them")
_FAULT = {"step": int | None, "field": str, "message": str}
#: a step as `told` gives it
_TOLD = {
    **{"key": str, "name": str, "name_en": str, "mode": str, "outcome": str | None},
    **{"persons": [dict[str, Any]], "sentence": str, "trace": dict[str, Any]},
}


def _faults(found: list[Fault]) -> list[dict[str, Any]]:
    return [{"step": fault.step, "field": fault.field, "message": i18n.sentence(fault.said)} for fault in found]


@api.get("/chains")
@declared(scope="admin:chains", gives={"chains": [versions.ChainRow]})
def chain_list() -> Any:
    """The approval chains."""
    with services().database.reading() as connection:
        drafts.must_edit(connection, me().id)
        return {"chains": plain(versions.chains(connection, services().clock.now()))}


@contextlib.contextmanager
def _as_read() -> Iterator[None]:
    """A draft that somebody changed meanwhile is told as a condition that does not hold any more. Raises Superseded."""
    try:
        yield
    except DraftChanged as changed:
        raise Superseded(**changed.facts) from changed


@api.get("/chains/<key>/draft")
@declared(scope="admin:chains", gives={"draft": drafts.Draft, "faults": [_FAULT], "changes": [dict[str, Any]]}, tagged=True)
def chain_draft(key: str) -> Any:
    """The draft of a chain, its faults, and what it would change; without `saved_at` there is none, and it is what is in force."""
    draft = drafts.read(services(), key, actor=me().id)
    now = services().clock.now()
    with services().database.reading() as connection:
        company = Company(connection, now)
        changes = [
            {**change, "sentence": i18n.sentence(differences.sentence(company, change))}
            for change in drafts.changes(connection, draft, now)
        ]
    return tagged({"draft": plain(draft), "faults": _faults(drafts.check(services(), draft)), "changes": changes}, draft.revision)


@api.put("/chains/<key>/draft")
@declared(
    scope="admin:chains",
    takes={"name": Text(), "name_en": Text(), "steps": Listed(_STEPS, of=Object())},
    gives={"draft": drafts.Draft, "faults": [_FAULT]},
    tagged=True,
    matched=True,
)
def chain_save(key: str) -> Any:
    """Save the draft of a chain; a new chain has the ETag "0"."""
    try:
        with _as_read():
            draft = drafts.save(services(), key, revision=revision_read(), actor=me().id, **body())
    except NotFound as missing:  # there is no such chain yet, so what was read was another
        raise NotAsRead() from missing
    return tagged({"draft": plain(draft), "faults": _faults(drafts.check(services(), draft))}, draft.revision)


@api.delete("/chains/<key>/draft")
@declared(scope="admin:chains", matched=True)
def chain_discard(key: str) -> Any:
    """Throw the draft of a chain away."""
    with _as_read():
        drafts.discard(services(), key, revision=revision_read(), actor=me().id)
    return "", 204


@api.post("/chains/<key>/publish")
@declared(
    scope="admin:chains",
    takes={
        "note": REASON,
        "effective": Text(N_("Day or moment from which it is in force; without one at once"), default="", example="2026-12-01"),
    },
    gives={"number": int, "effective_at": dt.datetime},
    matched=True,
)
def chain_publish(key: str) -> Any:
    """Publish the draft of a chain. The same draft is not published twice: that is answered with 409 and its number."""
    sent = body()
    from_ = effective(sent["effective"])
    with _as_read():
        done = drafts.publish(services(), key, revision=revision_read(), actor=me().id, note=sent["note"], effective=from_)
    return {"number": done.number, "effective_at": plain(done.effective_at)}


@api.post("/chains/<key>/undo")
@declared(scope="admin:chains", takes={"number": Whole(N_("Number of a version")), "note": REASON}, gives={"number": int})
def chain_undo(key: str) -> Any:
    """Publish an earlier version of a chain again; the answer has its new number."""
    sent = body()
    return {"number": drafts.undo(services(), key, sent["number"], actor=me().id, note=sent["note"]).number}


@api.get("/chains/<key>/versions")
@declared(scope="admin:chains", gives={"versions": [versions.VersionRow], "acts": [versions.Act]})
def chain_history(key: str) -> Any:
    """The versions of a chain and what was done to it, the newest first."""
    with services().database.reading() as connection:
        drafts.must_edit(connection, me().id)
        rows, acts = versions.history(connection, key, services().clock.now())
    return {"versions": plain(rows), "acts": plain(acts)}


@api.get("/chains/<key>/versions/<int(max=1000000):version>")
@declared(scope="admin:chains", asks={"format": Text(default="json", choices=("json", "csv"))}, gives=FILE)
def chain_version(key: str, version: int) -> Any:
    """A version of a chain as a file."""
    with services().database.reading() as connection:
        drafts.must_edit(connection, me().id)
        row = versions.numbered(connection, key, version)
    write = exchange.to_csv if asked()["format"] == "csv" else exchange.to_json
    kind = "text/csv" if write is exchange.to_csv else "application/json"
    return Response(write(row.name, row.name_en, row.steps), mimetype=kind)


@api.post("/chains/<key>/preview")
@declared(
    scope="admin:chains",
    takes={
        "subject": Text(N_("Number or id of the employee"), example="KF-017"),
        "initiator": Text(N_("Number or id of who starts the case; without one the superior"), default=""),
        "values": Object(N_("Values that the case would have"), default={}, example={"compensation_fen": 6_000_000}),
        "steps": Listed(N_("Steps of the chain; without them those of the draft"), of=Object(), default=[]),
    },
    gives={"steps": [_TOLD]},
)
def chain_preview(key: str) -> Any:
    """Who would sign, in which order, and why."""
    sent = body()
    steps = sent["steps"] or drafts.read(services(), key, actor=me().id).steps
    now = services().clock.now()
    with services().database.reading() as connection:
        drafts.must_edit(connection, me().id)
        case = situation(connection, now, key, sent["subject"], sent["initiator"], sent["values"])
        versions.refuse_shape(connection, key, steps, now)
        found = preview.who_signs(connection, steps, case)
    return {"steps": [told(one) for one in found]}


@api.get("/chains/<key>/open-items")
@declared(
    scope="admin:chains",
    gives={"looked_at": int, "items": [{"item": str, "case": str, "version": int, "before": [_TOLD], "after": [_TOLD]}]},
)
def chain_open_items(key: str) -> Any:
    """Open work that the draft of a chain would change; nothing is moved."""
    draft = drafts.read(services(), key, actor=me().id)
    with services().database.reading() as connection:
        versions.refuse_shape(connection, key, draft.steps, services().clock.now())
    found, looked = preview.open_items(services(), key, draft.steps)
    items = [
        {
            "item": one.item_id,
            "case": one.number,
            "version": one.version,
            "before": [told(step) for step in one.before],
            "after": [told(step) for step in one.after],
        }
        for one in found
    ]
    return {"looked_at": looked, "items": items}


_OUTLOOK = {
    **{"item": str, "case": str, "step": str, "version": int, "new_version": int},
    **{"now": [str], "then": [str], "error": str | None},
}


@api.get("/chains/<key>/outlooks")
@declared(scope="admin:chains", gives={"items": [_OUTLOOK]})
def chain_outlooks(key: str) -> Any:
    """Open work of a chain whose step would go to others by its present version and today's directory; nothing is moved."""
    found = reresolving.outlooks(services(), key, actor=me().id)
    named = ("step", "version", "new_version", "now", "then")
    return {
        "items": [
            {
                **{"item": one.item_id, "case": one.number, "error": i18n.error_text(one.error) if one.error else None},
                **{name: getattr(one, name) for name in named},
            }
            for one in found
        ]
    }


@api.post("/items/<item_id>/find-anew")
@declared(scope="admin:cases", takes={"reason": REASON})
def find_anew(item_id: str) -> Any:
    """Move an open item to the present version of its chain and its step to whom the directory gives today; what was decided stays."""
    reresolving.find_signers_anew(services(), item_id, actor=me().id, reason=body()["reason"], request_id=request_id())
    return "", 204


def told(step: Resolved) -> dict[str, Any]:
    """A resolved step for programs."""
    sentence = explain.explain(step.trace, i18n.current(), i18n.translated)
    own = {name: getattr(step, name) for name in ("key", "name", "name_en", "mode", "outcome")}
    return {**own, "persons": step.trace["persons"], "sentence": sentence, "trace": plain(step.trace)}
