"""Approval chains, for administrators: drafts, checking, trying, publishing, history."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from engine.chains import differences, drafts, exchange, explain, preview, versions
from engine.chains.company import Company
from engine.chains.resolve import Resolved
from engine.chains.steps import Fault

from .. import i18n
from ..accounts import me, services
from ..trying import effective, situation
from .exchange import RequestInvalid, api, body, field, number, plain


def _faults(found: list[Fault]) -> list[dict[str, Any]]:
    return [{"step": fault.step, "field": fault.field, "message": i18n.sentence(fault.said)} for fault in found]


def _revision(sent: dict[str, Any]) -> int:
    given = sent.get("revision", 0)
    if type(given) is not int or given < 0:
        raise RequestInvalid(reason="“revision” must be a whole number", field="revision")
    return given


@api.get("/chains")
def chain_list() -> Any:
    """→ {chains: [{key, name, name_en, number, steps, coming_at, draft_at, draft_by}]}"""
    with services().database.reading() as connection:
        drafts.must_edit(connection, me().id)
        return {"chains": plain(versions.chains(connection, services().clock.now()))}


@api.get("/chains/<key>/draft")
def chain_draft(key: str) -> Any:
    """→ {draft, faults: [{step, field, message}], changes: [{…, sentence}]}; revision 0: nothing is stored, it is what is in force"""
    draft = drafts.read(services(), key, actor=me().id)
    now = services().clock.now()
    with services().database.reading() as connection:
        company = Company(connection, now)
        changes = [
            {**change, "sentence": i18n.sentence(differences.sentence(company, change))}
            for change in drafts.changes(connection, draft, now)
        ]
    return {"draft": plain(draft), "faults": _faults(drafts.check(services(), draft)), "changes": changes}


@api.put("/chains/<key>/draft")
def chain_save(key: str) -> Any:
    """{name, name_en, steps, revision: the one that was read} → {draft, faults}"""
    sent = body()
    given = {"name": field(sent, "name", str), "name_en": field(sent, "name_en", str), "steps": field(sent, "steps", list)}
    draft = drafts.save(services(), key, **given, revision=_revision(sent), actor=me().id)
    return {"draft": plain(draft), "faults": _faults(drafts.check(services(), draft))}


@api.delete("/chains/<key>/draft")
def chain_discard(key: str) -> Any:
    drafts.discard(services(), key, actor=me().id)
    return "", 204


@api.post("/chains/<key>/publish")
def chain_publish(key: str) -> Any:
    """{revision, note, effective?: ISO 8601 day or moment} → {number, effective_at}"""
    sent = body()
    from_ = effective(field(sent, "effective", str, ""))
    note = field(sent, "note", str)
    done = drafts.publish(services(), key, revision=_revision(sent), actor=me().id, note=note, effective=from_)
    return {"number": done.number, "effective_at": plain(done.effective_at)}


@api.post("/chains/<key>/undo")
def chain_undo(key: str) -> Any:
    """{number: of the version that is published again, note} → {number}"""
    sent = body()
    old = sent.get("number")
    if type(old) is not int or not 0 < old < 1_000_000:
        raise RequestInvalid(reason="“number” must be a whole number", field="number")
    return {"number": drafts.undo(services(), key, old, actor=me().id, note=field(sent, "note", str)).number}


@api.get("/chains/<key>/versions")
def chain_history(key: str) -> Any:
    """→ {versions, acts}, the newest first"""
    with services().database.reading() as connection:
        drafts.must_edit(connection, me().id)
        rows, acts = versions.history(connection, key, services().clock.now())
    return {"versions": plain(rows), "acts": plain(acts)}


@api.get("/chains/<key>/versions/<int:version>")
def chain_version(key: str, version: int) -> Any:
    """A version as a file; `format`: json or csv"""
    with services().database.reading() as connection:
        drafts.must_edit(connection, me().id)
        row = versions.numbered(connection, key, version)
    write = exchange.to_csv if request.args.get("format") == "csv" else exchange.to_json
    kind = "text/csv" if write is exchange.to_csv else "application/json"
    return Response(write(row.name, row.name_en, row.steps), mimetype=kind)


@api.post("/chains/<key>/preview")
def chain_preview(key: str) -> Any:
    """{subject, initiator?, values?, steps?} → {steps: [{key, name, outcome, persons, sentence, trace}]}; without steps: the draft"""
    sent = body()
    steps = sent.get("steps") or drafts.read(services(), key, actor=me().id).steps
    now = services().clock.now()
    with services().database.reading() as connection:
        drafts.must_edit(connection, me().id)
        case = situation(
            connection, now, key, field(sent, "subject", str), field(sent, "initiator", str, ""), field(sent, "values", dict, {})
        )
        versions.refuse_shape(connection, key, steps, now)
        found = preview.who_signs(connection, key, steps, case)
    return {"steps": [told(one) for one in found]}


@api.get("/chains/<key>/open-items")
def chain_open_items(key: str) -> Any:
    """Open items that the draft would change, nothing moved → {looked_at, items}"""
    number("page", 1, 1000)
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


def told(step: Resolved) -> dict[str, Any]:
    """A resolved step for programs."""
    sentence = explain.explain(step.trace, i18n.current(), i18n.translated)
    own = {name: getattr(step, name) for name in ("key", "name", "name_en", "mode", "outcome")}
    return {**own, "persons": step.trace["persons"], "sentence": sentence, "trace": plain(step.trace)}
