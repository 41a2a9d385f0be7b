"""代理: who signs for somebody absent. Everybody names their own substitute, administrators those of others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import procedures, work
from engine.errors import NotAllowed, NotFound, PartwellError, SubstituteRefused
from engine.models import Account, Chain, Person, new_id
from engine.people import absences, directory

from .accounts import logged_in, me, services
from .choosing import pick, said
from .i18n import error_text, gettext, named, ngettext, zone
from .people import administered

substitutes = Blueprint("substitutes", __name__, url_prefix="/substitutes")


@substitutes.get("")
@logged_in
def mine() -> Any:
    return _show(everybody=False)


@substitutes.get("/all")
@administered
def everybody() -> Any:
    return _show(everybody=True)


@substitutes.get("/open")
@logged_in
def what_is_open() -> Any:
    """What somebody absent has to sign now, to be given to the substitute, too; with boxes."""
    return _open(request.args.get("person", "")[:32] or me().id)


@substitutes.post("/open")
@logged_in
def give() -> Any:
    """Each of the chosen ones by itself: what cannot be given is told and hinders nothing else."""
    person, given, refused = request.form.get("person", "")[:32] or me().id, 0, []
    for each in work.open_with(services(), person, actor=me().id):
        if f"{each.item_id} {each.sign_off_id}" in request.form.getlist("sign_off"):
            try:
                work.stand_in(services(), each.item_id, each.sign_off_id, actor=me().id, request_id=new_id())
                given += 1
            except PartwellError as error:
                refused.append((each, error_text(error)))
    if refused or not given:
        return _open(person, given, refused), 422
    flash(ngettext("%(num)s went to the substitute, too.", "%(num)s went to the substitute, too.", given), "success")
    return redirect(url_for("substitutes.mine" if person == me().id else "substitutes.everybody"))


def _open(person: str, given: int = 0, refused: Sequence[Any] = ()) -> str:
    found = work.open_with(services(), person, actor=me().id)
    with services().database.reading() as connection:
        name = connection.execute(sa.select(Person.name).where(Person.id == person)).scalar_one_or_none()
    if name is None:
        raise NotFound(what="person", name=person)
    return render_template("substitutes_open.html", person=person, name=name, found=found, given=given, refused=refused)


def _show(*, everybody: bool, error: str = "", faults: Mapping[str, str] = {}) -> Any:
    now = services().clock.now()
    typed = {name: request.form.get(name, "")[:1000] for name in ("starts", "ends", "scope", "note", "open")}
    picked = {name: _known(said(name)) for name in ("absent", "substitute")}
    if request.method == "GET":
        morning = now.astimezone(zone()).replace(hour=0, minute=0)
        typed |= {"starts": f"{morning:%Y-%m-%dT%H:%M}", "ends": f"{morning + dt.timedelta(days=8):%Y-%m-%dT%H:%M}"}
        picked["absent"] = _known(request.args.get("person", ""))
    with services().database.reading() as connection:
        rows = absences.rows(connection, now, person="" if everybody else me().id, past=True)
    scopes = _scopes()
    page = render_template(
        "substitutes.html",
        everybody=everybody,
        rows=rows,
        now=now,
        typed=typed,
        picks={name: pick(name, ids, but=[] if everybody or name == "absent" else [me().id]) for name, ids in picked.items()},
        error=error,
        faults=faults,
        scopes=list(scopes.items()),
        scope_text=lambda scope, ref: scopes.get(f"{scope} {ref}".strip(), f"{scope} {ref}".strip()),
    )
    return (page, 422) if error or faults else page


def _known(text: str) -> list[str]:
    """The id of whom a text names, if it names somebody."""
    try:
        return [somebody(text)] if text else []
    except (NotFound, SubstituteRefused):
        return []


def _scopes() -> dict[str, str]:
    """Every scope that can be chosen, as the form sends it -> what it is called."""
    found = {"all": gettext("Everything")}
    for each in procedures.startable(services()):
        found[f"procedure {each.procedure}"] = gettext("Procedure: %(name)s", name=named(each))
    with services().database.reading() as connection:
        chains = connection.execute(sa.select(Chain.key, Chain.name, Chain.name_en).order_by(Chain.key, Chain.number)).all()
    for chain in chains:
        found[f"chain {chain.key}"] = gettext("Approval chain: %(name)s", name=named(chain))
    return found


@substitutes.post("")
@logged_in
def appoint() -> Any:
    for_all = bool(request.form.get("everybody"))
    if for_all and not me().holds("admin"):
        raise NotAllowed(reason="a substitute is named by whoever is absent, or by an administrator")
    if request.form.get("do") == "find":
        return _show(everybody=for_all)
    scope, _, ref = request.form.get("scope", "all").partition(" ")
    persons, faults = {"absent": me().id}, {}
    for field in ("absent", "substitute") if for_all else ("substitute",):
        try:
            persons[field] = somebody(said(field))
        except (SubstituteRefused, NotFound) as refused:
            faults[field] = error_text(refused) if said(field) else gettext("Choose a person.")
    if faults:
        return _show(everybody=for_all, faults=faults)
    try:
        absences.appoint(
            services(),
            **persons,
            starts_at=_moment("starts"),
            ends_at=_moment("ends"),
            scope=scope,
            ref=ref,
            by=me().id,
            note=request.form.get("note", "").strip()[:1000],
        )
    except (SubstituteRefused, NotFound) as refused:
        return _show(everybody=for_all, error=error_text(refused))
    flash(gettext("The substitute is named."), "success")
    if request.form.get("open"):
        return redirect(url_for("substitutes.what_is_open", person=persons["absent"]))
    return redirect(url_for("substitutes.everybody" if for_all else "substitutes.mine"))


@substitutes.post("/<substitution>/end")
@logged_in
def end(substitution: str) -> Any:
    absences.end(services(), substitution, by=me().id)
    flash(gettext("Ended. What is open already stays where it is."), "success")
    return redirect(url_for("substitutes.everybody" if request.form.get("everybody") else "substitutes.mine"))


def somebody(text: str) -> str:
    """Id of somebody who works here, by it, by a number or login, alone or before the name, or by a name that only one has.

    Raises NotFound, SubstituteRefused.
    """
    text = text.strip()[:200]
    first = text.split()[0] if text else ""
    on = directory.day(services().clock.now())
    with services().database.reading() as connection:
        by_number = sa.select(Person.id).outerjoin(Account, Account.person_id == Person.id)
        by_number = by_number.where(
            sa.or_(Person.id == first, Person.employee_no == first, Account.login == first.lower()), directory.here(on)
        )
        found = list(connection.execute(by_number).scalars())
        found = found or [row.id for row in directory.so_called(connection, text, on)]
    if not found:
        raise NotFound(what="active employee", name=text)
    if len(found) > 1:
        raise SubstituteRefused(reason="several people have this name; type the employee number")
    return str(found[0])


def _moment(field: str) -> dt.datetime:
    """Raises SubstituteRefused."""
    try:
        return dt.datetime.fromisoformat(request.form.get(field, "")).replace(tzinfo=zone()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise SubstituteRefused(reason="a beginning and an end are needed") from None
