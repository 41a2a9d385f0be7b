"""Start a case: which procedure, about whom, and the report itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

import forms
from engine import cases as engine_cases
from engine import forecast, procedures
from engine.errors import FormInvalid, NotAllowed, NotFound
from engine.models import new_id
from engine.people import directory
from engine.procedures import Startable
from engine.rules import Rules, rules_of

from . import choosing
from .accounts import Reader, logged_in, me, services
from .choosing import picking
from .i18n import current, gettext
from .inbox import search_words
from .items import brought, go_to, hidden_places, request_id
from .uploads import received

start = Blueprint("start", __name__, url_prefix="/start")


def _rules(startable: Startable) -> Rules:
    return rules_of(services().programs.get(startable.version_id).files)


def open_to(reader: Reader) -> list[Startable]:
    """The procedures that the reader may start."""
    return [each for each in procedures.startable(services()) if _rules(each).starts(reader.roles)]


def open_procedure(procedure: str) -> Startable:
    """Raises NotFound, NotAllowed."""
    for each in open_to(me()):
        if each.procedure == procedure:
            return each
    if any(each.procedure == procedure for each in procedures.startable(services())):
        raise NotAllowed(reason="your role does not start this procedure")
    raise NotFound(what="deployed procedure", name=procedure)


def _today() -> dt.date:
    return directory.day(services().clock.now())


def employees_for(reader: Reader, text: str, startable: Sequence[Startable]) -> Sequence[Any]:
    """Whom the reader may report in one of these procedures, all of which they may start."""
    anybody = any(_rules(each).starts_about_anybody(reader.roles) for each in startable)
    with services().database.reading() as connection:
        return directory.search(connection, text, _today(), reports_of=None if anybody else reader.id, but=[reader.id])


def _subject(startable: Startable, person_id: str) -> Mapping[str, Any]:
    """The employee, if the reader may report them. Raises NotFound, NotAllowed."""
    with services().database.reading() as connection:
        engine_cases.may_start(connection, _rules(startable), me().id, person_id, _today())
        return directory.display(connection, person_id, _today())


@start.get("")
@logged_in
def index() -> Any:
    startable = open_to(me())
    if len(startable) == 1:
        return redirect(url_for("start.employees", procedure=startable[0].procedure))
    return render_template("start_procedures.html", startable=startable)


@start.get("/<procedure>")
@logged_in
def employees(procedure: str) -> Any:
    search = search_words()
    startable = open_procedure(procedure)
    return render_template("start_employees.html", procedure=startable, employees=employees_for(me(), search, [startable]), search=search)


def _show(
    procedure: str,
    person_id: str,
    *,
    submitted: Mapping[str, Any] | None = None,
    errors: Mapping[str, Sequence[str]] | None = None,
    request_id: str,
    foresee: bool = False,
) -> str:
    """The page. `foresee`: with the approvals to which the case would come."""
    startable = open_procedure(procedure)
    outlook = _outlook(startable, person_id, submitted or {})
    with services().database.reading() as connection:
        picks = [picking(connection, asked, [person_id, me().id]) for asked in outlook.asked]
    fields = (
        services().forms.view(startable.form, {}, errors or {}, submitted=submitted, permissions={}, locale=current())
        if startable.form
        else []
    )
    return render_template(
        "start_report.html",
        procedure=startable,
        subject=_subject(startable, person_id),
        fields=fields,
        errors=errors or {},
        request_id=request_id,
        hidden_fields=hidden_places(fields),
        brought=brought(fields),
        rows_address=url_for("start.fields", procedure=procedure, person_id=person_id),
        picks=picks,
        approvals=outlook.approvals if foresee else None,
    )


def _outlook(startable: Startable, person_id: str, values: Mapping[str, Any]) -> forecast.Outlook:
    given = {"procedure": startable.procedure, "initiator": me().id, "subject": person_id}
    return forecast.before_start(services(), **given, values=values, chosen=choosing.chosen(), locale=current())


@start.get("/<procedure>/<person_id>")
@logged_in
def report(procedure: str, person_id: str) -> Any:
    return _show(procedure, person_id, request_id=new_id())


@start.post("/<procedure>/<person_id>")
@logged_in
def send(procedure: str, person_id: str) -> Any:
    startable, once = open_procedure(procedure), request_id()
    schema = startable.form or {}
    refused: dict[str, list[str]] = {}
    values, files = forms.parse(schema, request.form), received(forms.uploads(schema, request.files), refused)
    try:
        if refused:
            raise FormInvalid(refused)
        started = engine_cases.start(
            services(),
            procedure=procedure,
            initiator=me().id,
            subject=person_id,
            values=values,
            files=files,
            request_id=once,
            locale=current(),
            chosen=choosing.chosen(),
        )
    except FormInvalid as invalid:
        errors = {path: [gettext(message) for message in said] for path, said in invalid.fields.items()}
        if "HX-Request" not in request.headers:  # a page made anew cannot keep a chosen file; a part of it can
            for path in files:
                errors.setdefault(path, []).append(gettext("Please choose the file again: it is stored only once the report is sent."))
        return _show(procedure, person_id, submitted=values, errors=errors, request_id=once), 422
    flash(gettext("Sent. Case %(number)s: the data are being fetched.", number=started.number), "success")
    return go_to(url_for("cases.show", case_id=started.case_id))


@start.post("/<procedure>/<person_id>/fields")
@logged_in
def fields(procedure: str, person_id: str) -> Any:
    """The page again with a row more or less, or with what the conditions say now; nothing is checked yet."""
    values = forms.parse(open_procedure(procedure).form or {}, request.form)
    if path := request.form.get("add_row"):
        values = forms.with_row(values, path)
    elif row := request.form.get("remove_row"):
        values = forms.without_row(values, row)
    return _show(procedure, person_id, submitted=values, request_id=request_id())


@start.post("/<procedure>/<person_id>/forecast")
@logged_in
def foresee(procedure: str, person_id: str) -> Any:
    """The page again with who would sign what, as of now; nothing is sent or checked."""
    values = forms.parse(open_procedure(procedure).form or {}, request.form)
    return _show(procedure, person_id, submitted=values, request_id=request_id(), foresee=True)
