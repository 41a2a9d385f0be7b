"""审批链: the table in which administrators say who signs, and try, publish and take back what they changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

from engine.chains import differences, drafts, exchange, offered, preview, versions, words
from engine.chains.company import Company
from engine.chains.drafts import Draft
from engine.chains.faults import Fault
from engine.errors import AlreadyPublished, ChainRefused, DraftChanged, NotFound, PartwellError
from engine.models import new_id
from engine.people import directory
from engine.work import reresolving

from . import chainfields, chainform, chaintable, chainwhen, i18n
from .accounts import logged_in, me, services
from .chainsituation import situation, values_of
from .chaintable import Persons, Table
from .chainwhen import Conditions
from .effective import effective
from .i18n import gettext

chains = Blueprint("chains", __name__, url_prefix="/chains")


@chains.app_template_filter("refusal")
def refusal(error: PartwellError) -> str:
    return i18n.error_text(error)


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
    """One action on the table: it is read, changed and kept as a draft; `preview` goes on to try it."""
    do = request.form.get("do", "save")
    draft, page = _kept(key, do)
    if page is not None:
        return page
    if do == "preview":
        return redirect(url_for("chains.trial", key=key), 303)
    return _page(draft, at=len(draft.steps) - 1 if do == "add" else None)


def _kept(key: str, do: str) -> tuple[Draft, Any]:
    """The draft as the table was sent, after one of its buttons; and the page, where it cannot be kept.

    Somebody else's draft is never overwritten unseen, and what was typed stays.
    """
    stored = drafts.read(services(), key, actor=me().id)
    with services().database.reading() as connection:
        steps = chainform.steps_of(request.form, Company(connection, services().clock.now()), _conditions(connection, key))
    steps = chainform.acted(steps, do)
    name, name_en = request.form.get("name", ""), request.form.get("name_en", "") or request.form.get("name", "")
    told = replace(stored, name=name, name_en=name_en, steps=steps)
    try:
        return drafts.save(services(), key, name=name, name_en=name_en, steps=steps, revision=_number("revision"), actor=me().id), None
    except DraftChanged as error:
        return told, _page(told, status=409, changed=i18n.error_text(error), others=stored)
    except ChainRefused as error:
        return told, _page(told, status=422, faults=error.found)


def _conditions(connection: Any, key: str) -> Conditions:
    return Conditions(chainfields.known(services(), key), chaintable.called(connection, "departments"))


def _page(
    draft: Draft,
    *,
    status: int = 200,
    faults: list[Fault] | None = None,
    changed: str = "",
    others: Draft | None = None,
    at: int | None = None,
) -> Any:
    """The table. `changed`: what happened to the draft, `others`: the one that somebody else saved, `at`: the step to begin with."""
    now = services().clock.now()
    with services().database.reading() as connection:
        company = Company(connection, now)
        conditions = _conditions(connection, draft.key)
        found = _in_words(drafts.checked(services(), connection, draft, now) if faults is None else faults, draft.steps, conditions)
        current = versions.in_force(connection, draft.key, now)
        table = Table(company, conditions, chainfields.signed(services(), draft.key), draft.steps, current.steps if current else [])
        theirs = [] if others is None else differences.renamed(others, draft) + differences.between(others.steps, draft.steps)
        rows, acts = versions.history(connection, draft.key, now)
        page = render_template(
            "chain_edit.html",
            draft=draft,
            steps=[table.step(number, draft.steps, found) for number in range(len(draft.steps))],
            at=at,
            faults=found,
            changes=[table.change(one) for one in drafts.changes(connection, draft, now)],
            theirs=[table.change(one) for one in theirs],
            changed=changed,
            versions=rows,
            acts=[(act, [table.change(one) for one in act.changes]) for act in acts],
            notes={act.number: act.note for act in acts if act.number is not None},
            choices={**chaintable.choices(connection), "operations": {name: name for name in sorted(services().operations)}},
            conditions=conditions,
            table=table,
            fault=chaintable.fault,
            persons=Persons(company),
            words=words,
            offered=offered,
            form=chainform,
            operators=chainwhen.OPERATORS,
            ordered=chainwhen.ORDERED,
            hindered=_hindered(connection, draft, rows),
            typed=request.form if request.method == "POST" else {},
            today=directory.day(now),
        )
    return page, status


def _in_words(found: list[Fault], steps: Sequence[Mapping[str, Any]], conditions: Conditions) -> list[Fault]:
    """The faults with those of unfinished conditions as whoever fills in their rows understands them."""
    told: list[Fault] = []
    for fault in found:
        missing = (
            conditions.missing(str(chainform.value(steps[fault.step], "when"))) if fault.step is not None and fault.field == "when" else []
        )
        told += [replace(fault, said=said) for said in missing] or [fault]
    return told


def _hindered(connection: Any, draft: Draft, rows: Sequence[versions.VersionRow]) -> dict[str, Any]:
    """Where two administrators must do it: whether this one may not `publish` or `undo`, and who `edited` the draft."""
    if not services().settings.chains_four_eyes:
        return {}
    company = Company(connection, services().clock.now())
    edited = [one["name"] for one in company.named(draft.editors)]
    return {"publish": me().id in draft.editors, "undo": bool(rows) and rows[0].by_id == me().id, "edited": edited}


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
    """Publish the draft. Where the table was changed since it was kept, it is kept first and shown, so that nobody publishes unseen."""
    revision = _number("revision")
    which = {"revision": revision, "effective": effective(request.form.get("effective", ""))}
    try:
        if "steps" in request.form:
            draft, page = _kept(key, "save")
            if page is not None:
                return page
            if draft.revision != revision:
                return _page(draft, changed=gettext("What you typed since was saved first. Look at what changes, then publish."))
        done = drafts.publish(services(), key, actor=me().id, note=request.form.get("reason", ""), **which)
    except ChainRefused as error:
        return _page(drafts.read(services(), key, actor=me().id), status=422, faults=error.found)
    except AlreadyPublished as error:  # the button was pressed twice, or by two
        return _page(drafts.read(services(), key, actor=me().id), status=error.status, changed=i18n.error_text(error))
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
    drafts.discard(services(), key, revision=_number("revision"), actor=me().id, note=request.form.get("reason", ""))
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


@chains.get("/<key>/open")
@logged_in
def open_items(key: str) -> Any:
    """Open work whose step would be signed by others now, to be ticked."""
    return _open(key)


@chains.post("/<key>/open")
@logged_in
def find_anew(key: str) -> Any:
    """Each ticked item by itself; what cannot be moved is told and hinders nothing else."""
    moved, refused = 0, []
    ticked = set(request.form.getlist("item"))
    for each in reresolving.outlooks(services(), key, actor=me().id):
        if each.item_id in ticked and each.error is None:
            try:
                given = {"reason": request.form.get("reason", ""), "actor": me().id, "request_id": new_id()}
                reresolving.find_signers_anew(services(), each.item_id, **given)
                moved += 1
            except PartwellError as error:
                refused.append((each, i18n.error_text(error)))
    if moved:
        flash(i18n.ngettext("%(num)s work item was moved.", "%(num)s work items were moved.", moved), "success")
    page = _open(key, refused)
    return (page, 422) if refused or not moved else page


def _open(key: str, refused: Sequence[Any] = ()) -> str:
    found = reresolving.outlooks(services(), key, actor=me().id)
    draft = drafts.read(services(), key, actor=me().id)
    return render_template("chain_open.html", draft=draft, found=found, refused=refused, reason=request.form.get("reason", ""))


@chains.get("/<key>/preview")
@logged_in
def trial(key: str) -> Any:
    """Who would sign for somebody, in order and why; and which open items the draft would change."""
    draft = drafts.read(services(), key, actor=me().id)
    typed = request.args
    now = services().clock.now()
    looked = 0
    steps: list[Any] = []
    items: list[Any] = []
    with services().database.reading() as connection:
        conditions = _conditions(connection, key)
        asked = conditions.asked(chainform.value(step, "when") for step in draft.steps)
        values, error = _values(conditions, asked)
        try:
            versions.refuse_shape(connection, key, draft.steps, now)
            if typed.get("subject") and not error:
                company = Company(connection, now)
                about, by = (chainform.person_of(company, typed.get(field, "")) for field in ("subject", "initiator"))
                case = situation(connection, now, key, about, by, values)
                steps = preview.who_signs(connection, draft.steps, case)
        except ChainRefused as refused:
            error = gettext("; ").join(chaintable.fault(one) for one in _in_words(refused.found, draft.steps, conditions))
        except PartwellError as refused:
            error = i18n.error_text(refused)
    if typed.get("open") and not error:
        items, looked = preview.open_items(services(), key, draft.steps)
    page = render_template(
        "chain_preview.html",
        draft=draft,
        typed=typed,
        steps=steps,
        error=error,
        items=items,
        looked=looked,
        asked=asked,
        conditions=conditions,
        ordered=chainwhen.ORDERED,
    )
    return (page, 422) if error else page


def _values(conditions: Conditions, asked: Sequence[str]) -> tuple[dict[str, Any], str]:
    """The values of a case to try, and what is wrong with them: one input for each field that a condition names, the others as lines."""
    values, wrong = values_of(request.args.get("values", ""))
    if wrong:
        return values, gettext("Each line must be: name = value.") + " " + "、".join(wrong)
    for path in asked:
        text = request.args.get(f"v.{path}", "").strip()
        value = conditions.value(path, text) if text else None
        if text and value is None:
            return values, gettext("“%(value)s” is no value of “%(field)s”.", value=text, field=conditions.label(path))
        place = values
        *above, last = path.split(".")
        for part in above:
            inside = place.get(part)
            place[part] = dict(inside) if isinstance(inside, Mapping) else {}
            place = place[part]
        if last not in place or value is not None:
            place[last] = value
    return values, ""
