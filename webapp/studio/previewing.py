"""A form as those who fill it in see it, while somebody changes it: drawn and checked by what draws and checks it in a case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, make_response, render_template, request

import forms
from engine import json_text
from engine.bpmn import lint
from engine.bpmn.parser import processes_of
from engine.errors import FileRefused, FormInvalid
from engine.studio import drafts
from engine.studio.scenarios import enclosures, examples
from engine.work import permissions

from ..accounts import logged_in, me, services
from ..i18n import current
from . import checking
from .addresses import studio

#: the page lies in a frame of the editor's and runs no script of its own
_POLICY = (
    "default-src 'self'; img-src 'self' data:; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self'"
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """An element of a diagram that shows the form."""

    #: `<path>#<element>`
    key: str
    name: str
    name_en: str
    #: whether a case begins with it
    start: bool
    #: field -> `hidden`, `readonly` or `required`
    permissions: Mapping[str, str]


@studio.post("/<procedure>/preview")
@logged_in
def preview(procedure: str) -> Response:
    """The page of a form that need not be saved.

    Sent with the names of form fields are `form:schema`, the form as text, `form:path`, `form:step`, whose permissions count, and
    `form:typed` where fields came along; `add_row` and `remove_row` as on a page of work, `try` to have the values checked. The form begins
    with what the draft's scenarios fill in; `empty` and `fill` empty it and fill it in again, `form:empty` says that it was emptied.
    """
    files = drafts.contents(services(), procedure, actor=me().id)
    path, text = request.form.get("form:path", ""), request.form.get("form:schema", "")
    steps = list(_steps(files, PurePosixPath(path).stem))
    step = next((each for each in steps if each.key == request.form.get("form:step")), None)
    filled_in = _examples(files, [step] if step else steps)
    empty = "fill" not in request.form and bool({"empty", "form:empty"} & set(request.form))
    shown = _shown(path, text, step.permissions if step else {}, {} if empty else filled_in)
    about = {"procedure": procedure, "steps": steps, "step": step, "path": path, "text": text}
    page = make_response(render_template("studio_preview.html", **about, **shown, examples=bool(filled_in), empty=empty))
    page.headers["Content-Security-Policy"] = _POLICY
    page.headers["X-Frame-Options"] = "SAMEORIGIN"
    return page


def _shown(path: str, text: str, allowed: Mapping[str, str], held: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` with `errors` and whether they were `tried`, or the `findings` for which the form cannot be shown."""
    checker = services().forms
    try:
        schema = json_text.read(text)
    except ValueError as error:
        return {"findings": checking.told([lint.finding(lint.Code.NOT_JSON, None, reason=str(error))])}
    if faults := checker.problems(schema):
        wrong = [lint.finding(lint.Code.BAD_FORM, None, form=PurePosixPath(path).stem, reason=fault) for fault in faults]
        return {"findings": checking.told(wrong)}
    stored = _fitting(schema, held)
    typed, errors = _typed(schema), {}
    # once asked for, with every change
    tried = typed is not None and bool({"try", "form:tried"} & set(request.form))
    if tried:
        # a chosen file counts as one; it is stored nowhere
        chosen = {name: [f"preview-{number}"] for number, (name, _) in enumerate(forms.uploads(schema, request.files))}
        sent = forms.parse(schema, request.form, chosen)
        try:
            checker.check(schema, sent, stored, permissions=allowed, locale=current())
        except FormInvalid as invalid:
            errors = invalid.fields
    fields = checker.view(schema, stored, errors, submitted=typed, permissions=allowed, locale=current())
    return {"fields": fields, "errors": errors, "tried": tried}


def _typed(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was typed into the form, with a row more or less where that was asked for; None at first, and where it begins anew."""
    if "form:typed" not in request.form or {"empty", "fill"} & set(request.form):
        return None
    typed = forms.parse(schema, request.form)
    if path := request.form.get("add_row"):
        return forms.with_row(typed, path)
    if row := request.form.get("remove_row"):
        return forms.without_row(typed, row)
    return typed


def _steps(files: Mapping[str, bytes], form: str) -> Iterator[Step]:
    """The steps of the draft's diagrams that show the form, in their order."""
    for path, content in files.items():
        if not path.endswith(".bpmn"):
            continue
        try:
            read = processes_of(content, path)
        except FileRefused:
            continue
        for element in (each for process in read for each in process.elements.values() if each.form == form):
            name = element.name or element.id
            named = {"key": f"{path}#{element.id}", "name": name, "name_en": element.name_en or name}
            yield Step(**named, start=element.kind == "startEvent", permissions=permissions(element))


def _examples(files: Mapping[str, bytes], steps: Sequence[Step]) -> dict[str, Any]:
    """What the scenarios of the draft fill in at these steps."""
    called = {name for step in steps for name in (step.key.partition("#")[2], step.name)}
    zone = ZoneInfo(services().settings.zone)
    return examples.values(files, called, start=any(step.start for step in steps), now=services().clock.now(), zone=zone)


def _fitting(schema: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values, without files, which are stored nowhere; nothing where they are those of another form than the one that is drawn now."""
    if not forms.fits(schema, values):
        return {}
    return enclosures.without(services().forms.files(schema, values), values)
