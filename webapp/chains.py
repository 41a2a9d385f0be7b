"""审批链: the table in which administrators say who signs, and try, publish and take back what they changed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

from engine.chains import differences, drafts, exchange, explain, preview, versions, words
from engine.chains.company import Company
from engine.chains.drafts import Draft
from engine.chains.steps import Fault
from engine.errors import ChainRefused, DraftChanged, NotFound, PartwellError
from engine.people import directory

from . import chainform, i18n
from .accounts import logged_in, me, services
from .i18n import gettext
from .trying import effective, situation, values_of

chains = Blueprint("chains", __name__, url_prefix="/chains")


@chains.app_template_filter("why")
def why(step: Any) -> str:
    """Why these people sign a step, or nobody does, in the language of the request."""
    return explain.explain(step.trace, i18n.current(), i18n.translated)


@chains.get("")
@logged_in
def index() -> Any:
    with services().database.reading() as connection:
        drafts.must_edit(connection, me().id)
        rows = versions.chains(connection, services().clock.now())
    return render_template("chains.html", chains=rows)


@chains.post("")
@logged_in
def begin() -> Any:
    """A new chain, as a draft with one step; or one from a file."""
    key = request.form.get("key", "").strip()
    file = request.files.get("file")
    if file and file.filename:
        given, act = exchange.read(file.filename, file.stream.read(300_000)), "imported"
    else:
        given, act = (
            {"name": request.form.get("name", ""), "name_en": request.form.get("name_en", ""), "steps": [chainform.new_step()]},
            "edited",
        )
    drafts.save(services(), key, **given, revision=_revision(key) if act == "imported" else 0, actor=me().id, act=act)
    return redirect(url_for("chains.edit", key=key))


def _number(field: str) -> int:
    """A number that the page sent along; 0, which nothing has, for anything odd."""
    return chainform.whole(request.form.get(field, "")) or 0


def _revision(key: str) -> int:
    """Of the draft that an imported file replaces, or 0."""
    try:
        return drafts.read(services(), key, actor=me().id).revision
    except NotFound:
        return 0


@chains.get("/<key>")
@logged_in
def edit(key: str) -> Any:
    return _page(drafts.read(services(), key, actor=me().id))


@chains.post("/<key>")
@logged_in
def change(key: str) -> Any:
    """One action on the table: it is read, changed and kept as a draft. Somebody else's draft is never overwritten unseen."""
    stored = drafts.read(services(), key, actor=me().id)
    with services().database.reading() as connection:
        company = Company(connection, services().clock.now())
        steps = chainform.acted(chainform.steps_of(request.form, company), request.form.get("do", "save"), request.form)
    name, name_en = request.form.get("name", ""), request.form.get("name_en", "")
    try:
        draft = drafts.save(services(), key, name=name, name_en=name_en, steps=steps, revision=_number("revision"), actor=me().id)
    except DraftChanged as error:
        told = Draft(key=key, name=name, name_en=name_en, steps=steps, base=stored.base, revision=stored.revision)
        return _page(told, status=409, changed=error, others=stored)
    except ChainRefused as error:
        told = Draft(key=key, name=name, name_en=name_en, steps=steps, base=stored.base, revision=stored.revision)
        return _page(told, status=422, faults=error.found)
    return _page(draft)


def _page(
    draft: Draft,
    *,
    status: int = 200,
    faults: list[Fault] | None = None,
    changed: PartwellError | None = None,
    others: Draft | None = None,
) -> Any:
    now = services().clock.now()
    with services().database.reading() as connection:
        company = Company(connection, now)
        found = drafts.faults(services(), connection, draft, now) if faults is None else faults
        changes = [i18n.sentence(differences.sentence(company, one)) for one in drafts.changes(connection, draft, now)]
        theirs = []
        if others is not None:
            theirs = [i18n.sentence(differences.sentence(company, one)) for one in differences.between(others.steps, draft.steps)]
        rows, acts = versions.history(connection, draft.key, now)
        told = [(act, [i18n.sentence(differences.sentence(company, one)) for one in act.changes]) for act in acts]
        choices = chainform.choices(connection)
        rules = {id(rule): i18n.sentence(words.rule(company, rule)) for step in draft.steps for rule in step.get("approvers", ())}
        persons = chainform.Persons(company)
        page = render_template(
            "chain_edit.html",
            draft=draft,
            faults=found,
            changes=changes,
            theirs=theirs,
            changed=i18n.error_text(changed) if changed else "",
            versions=rows,
            acts=told,
            choices=choices,
            rules=rules,
            persons=persons,
            words=words,
            form=chainform,
            today=directory.day(now),
        )
    return page, status


@chains.get("/people")
@logged_in
def people() -> Any:
    """Suggestions for a field that takes persons."""
    with services().database.reading() as connection:
        drafts.must_edit(connection, me().id)
        text = chainform.last_name(next(iter(request.args.values()), ""))
        found = directory.search(connection, text, directory.day(services().clock.now()), limit=12) if text else []
    return render_template("_chain_people.html", people=found)


@chains.post("/<key>/publish")
@logged_in
def publish(key: str) -> Any:
    given = request.form.get("effective", "")
    which = {"revision": _number("revision"), "effective": effective(given)}
    done = drafts.publish(services(), key, actor=me().id, note=request.form.get("reason", ""), **which)
    flash(gettext("Version %(number)s is published.", number=done.number), "success")
    return redirect(url_for("chains.edit", key=key))


@chains.post("/<key>/undo")
@logged_in
def undo(key: str) -> Any:
    done = drafts.undo(services(), key, _number("number"), actor=me().id, note=request.form.get("reason", ""))
    flash(gettext("Version %(number)s is published.", number=done.number), "success")
    return redirect(url_for("chains.edit", key=key))


@chains.post("/<key>/discard")
@logged_in
def discard(key: str) -> Any:
    drafts.discard(services(), key, actor=me().id, note=request.form.get("reason", ""))
    flash(gettext("The draft is discarded."), "success")
    return redirect(url_for("chains.index"))


@chains.get("/<key>/export.<any(json, csv):kind>")
@logged_in
def export(key: str, kind: str) -> Any:
    draft = drafts.read(services(), key, actor=me().id)
    write = exchange.to_csv if kind == "csv" else exchange.to_json
    answer = Response(write(draft.name, draft.name_en, draft.steps), mimetype="text/csv" if kind == "csv" else "application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{key}.{kind}"'
    return answer


@chains.get("/<key>/preview")
@logged_in
def trial(key: str) -> Any:
    """Who would sign for somebody, in order and why; and which open items the draft would change."""
    draft = drafts.read(services(), key, actor=me().id)
    typed = request.args
    values, wrong = values_of(typed.get("values", ""))
    now = services().clock.now()
    error, looked = "", 0
    steps: list[Any] = []
    items: list[Any] = []
    if wrong:
        error = gettext("Each line must be: name = value.") + " " + "、".join(wrong)
    with services().database.reading() as connection:
        try:
            versions.refuse_shape(connection, key, draft.steps, now)
            if typed.get("subject") and not error:
                case = situation(
                    connection, now, key, chainform.number_of(typed["subject"]), chainform.number_of(typed.get("initiator", "")), values
                )
                steps = preview.who_signs(connection, draft.steps, case)
        except PartwellError as refused:
            error = i18n.error_text(refused)
    if typed.get("open") and not error:
        items, looked = preview.open_items(services(), key, draft.steps)
    page = render_template("chain_preview.html", draft=draft, typed=typed, steps=steps, error=error, items=items, looked=looked)
    return (page, 422) if error else page
