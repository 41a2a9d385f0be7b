"""Work items: the inbox and what people do there."""

from __future__ import annotations

from typing import Any

from flask import request

import forms
from engine import inbox, work
from engine.boxes import Filter

from ..accounts import me, services
from ..i18n import current
from ..items import received
from .exchange import RequestInvalid, api, body, field, number, plain, request_id, texts, words


@api.get("/items")
def item_list() -> Any:
    """`box` (mine, group, standing_in, done), `search`, `procedure`, `step`, `due` (late, today, week, none), `department`,
    `sort` (due, newest, oldest), `after`, `size` → {items, total, next, counts}; `next` is the `after` of the next page
    """
    given = {name: request.args.get(name, "") for name in ("procedure", "step", "due", "department")}
    wanted = Filter(words=words().split()[:5], sort=request.args.get("sort") or "due", **given)
    box, after = request.args.get("box", "mine"), request.args.get("after", "")
    found = inbox.inbox(services(), me().id, box=box, wanted=wanted, after=after, size=number("size", 20, 100))
    return {"items": plain(found.rows), "total": found.total, "next": found.next, "counts": inbox.counts(services(), me().id)}


@api.get("/items/<item_id>")
def item(item_id: str) -> Any:
    found = inbox.item_page(services(), item_id, reader=me().id)
    form = forms.without_hidden(found.form, found.permissions) if found.form else None
    return {**plain(found), "form": form}


@api.post("/items/<item_id>/complete")
def complete(item_id: str) -> Any:
    """{values}; files are sent before, and the values hold the ids of their documents"""
    values = field(body(), "values", dict, {})
    work.complete(services(), item_id, actor=me().id, values=values, request_id=request_id(), locale=current())
    return "", 204


@api.post("/items/<item_id>/<any(approve, reject):verb>")
def sign(item_id: str, verb: str) -> Any:
    """{opinion}: optional for an approval"""
    act = work.approve if verb == "approve" else work.reject
    act(services(), item_id, actor=me().id, opinion=field(body(), "opinion", str, ""), request_id=request_id())
    return "", 204


@api.post("/items/<item_id>/<any(transfer, delegate):verb>")
def pass_on(item_id: str, verb: str) -> Any:
    """{to: person, reason?}: somebody else signs instead (transfer), or gives an opinion first (delegate)"""
    act = work.transfer if verb == "transfer" else work.delegate
    given = body()
    to, reason = field(given, "to", str), field(given, "reason", str, "")
    act(services(), item_id, to=to, reason=reason, actor=me().id, request_id=request_id())
    return "", 204


@api.post("/items/<item_id>/resolve")
def resolve(item_id: str) -> Any:
    """{opinion}, which somebody asked for by delegating"""
    work.resolve(services(), item_id, opinion=field(body(), "opinion", str), actor=me().id, request_id=request_id())
    return "", 204


@api.post("/items/<item_id>/take-back")
def take_back(item_id: str) -> Any:
    """The opinion that was asked for by delegating is waited for no longer."""
    work.take_back(services(), item_id, actor=me().id, request_id=request_id())
    return "", 204


@api.get("/items/<item_id>/returns")
def return_targets(item_id: str) -> Any:
    """Where the caller can return the work to, and what that leaves → {targets}"""
    return {"targets": plain(work.targets(services(), item_id, actor=me().id))}


@api.post("/items/<item_id>/return")
def send_back(item_id: str) -> Any:
    """{step} or {element}, as `returns` lists them, and {reason}"""
    given = body()
    to_step, to_element = field(given, "step", str, "") or None, field(given, "element", str, "") or None
    work.return_(
        services(),
        item_id,
        to_step=to_step,
        to_element=to_element,
        reason=field(given, "reason", str),
        actor=me().id,
        request_id=request_id(),
    )
    return "", 204


@api.post("/items/<item_id>/withdraw")
def withdraw(item_id: str) -> Any:
    """{reason?}: the caller takes back what they decided or passed on, as long as nobody acted on it"""
    work.withdraw(services(), item_id, reason=field(body(), "reason", str, ""), actor=me().id, request_id=request_id())
    return "", 204


@api.post("/items/<item_id>/sign-offs")
def add(item_id: str) -> Any:
    """{persons: [person], where: before | after | beside, reason}: further signers"""
    given = body()
    persons, where = texts(given, "persons"), field(given, "where", str)
    work.add(services(), item_id, persons=persons, where=where, reason=field(given, "reason", str), actor=me().id, request_id=request_id())
    return "", 204


@api.post("/items/<item_id>/sign-offs/<sign_off_id>/remove")
def remove(item_id: str, sign_off_id: str) -> Any:
    """{reason}: a signer whom the caller added, for managers any, is asked no longer"""
    work.remove(services(), item_id, sign_off_id, reason=field(body(), "reason", str), actor=me().id, request_id=request_id())
    return "", 204


@api.post("/items/<item_id>/sign-offs/<sign_off_id>/reassign")
def reassign(item_id: str, sign_off_id: str) -> Any:
    """{to: person, reason}: for managers of the procedure"""
    given = body()
    to, reason = field(given, "to", str), field(given, "reason", str)
    work.reassign(services(), item_id, sign_off_id, to=to, reason=reason, actor=me().id, request_id=request_id())
    return "", 204


@api.post("/items/<item_id>/<any(claim, release):verb>")
def hold(item_id: str, verb: str) -> Any:
    act = work.claim if verb == "claim" else work.release
    act(services(), item_id, actor=me().id, request_id=request_id())
    return "", 204


@api.put("/items/<item_id>/draft")
def draft(item_id: str) -> Any:
    """{values}: kept for the caller alone"""
    found = inbox.item_page(services(), item_id, reader=me().id)
    values = forms.draft(found.form or {}, field(body(), "values", dict))
    work.save_draft(services(), item_id, actor=me().id, values=values)
    return "", 204


@api.post("/items/<item_id>/documents")
def upload(item_id: str) -> Any:
    """multipart/form-data, each part named by its form field → {documents: {field: [id]}}; put the ids into the values."""
    form = inbox.item_page(services(), item_id, reader=me().id).form or {}
    files = received(forms.uploads(form, request.files))
    if not files:
        raise RequestInvalid(reason="send files as multipart/form-data, each named by its form field")
    return {"documents": work.attach(services(), item_id, actor=me().id, files=files)}, 201
