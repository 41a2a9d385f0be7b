"""试运行: a draft tried by hand, as anybody, with time that moves by a button and operations that answer as somebody says."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine import casefile
from engine.bpmn import render
from engine.errors import NotDeployable, NotFound
from engine.models import Person
from engine.people import absences
from engine.studio import changing, drafts, rows
from engine.studio.answering import FAILURES
from engine.studio.sandbox import Sandbox
from engine.studio.scenarios import expecting, reading, recording, verdicts
from engine.studio.scenarios.places import Places, Unfit
from engine.studio.tries import Tries, Try

from .. import i18n
from ..accounts import logged_in, me, services
from ..api.shapes import RequestInvalid
from ..demo import answers, sandboxes
from ..i18n import N_, gettext, zone
from ..long_work import taken
from ..security import csrf
from ..text import main_events
from . import acting
from .addresses import studio
from .checking import told

#: how a call may be let fail, as people choose it
FAULTS = {
    "gave_up": N_("It does not answer, however often it is asked"),
    "refused": N_("It refuses"),
    "needs_person": N_("Its answer is doubtful, somebody must look at it"),
}
assert FAULTS.keys() == FAILURES.keys()
_CALENDAR = "office"
#: applications on sandboxes that are kept ready; making one takes a moment
_APPLICATIONS = 8


def tries() -> Tries:
    """The kept sandboxes of this installation."""
    found: Tries | None = current_app.extensions.get("tries")
    if found is None:
        here = services()
        found = current_app.extensions["tries"] = Tries(Path(here.settings.home), lambda: sandboxes.of_installation(here))
    return found


@contextlib.contextmanager
def _mine(procedure: str) -> Iterator[Try | None]:
    """The reader's own sandbox. Raises NotAllowed for whoever does not design the procedure."""
    with services().database.reading() as connection:
        rows.must_edit(services(), connection, procedure, me().id)
    with taken(), tries().locked(me().id, procedure) as found:
        yield found


@contextlib.contextmanager
def _begun(procedure: str) -> Iterator[Try]:
    """The same where there must be one. Raises NotFound."""
    with _mine(procedure) as found:
        if found is None:
            raise NotFound(what="sandbox", name=procedure)
        yield found


@studio.get("/<procedure>/try")
@logged_in
def attempt(procedure: str) -> Any:
    draft = drafts.read(services(), procedure, actor=me().id)
    with _mine(procedure) as tried:
        if tried is None:
            return render_template("studio_try_begin.html", draft=draft, **_choice())
        return render_template("studio_try.html", draft=draft, tried=tried, faults=FAULTS, **_shown(tried))


def _choice() -> dict[str, Any]:
    """People of the sample company by department, and who is proposed."""
    lines = sandboxes.people()
    departments = {line.values["key"]: line.values for line in lines if line.kind == "departments"}
    people = [line.values for line in lines if line.kind == "persons" and line.values.get("employee_no")]
    groups = [(of, [one for one in people if one["department"] == key]) for key, of in departments.items()]
    by_login = {one["login"]: one["employee_no"] for one in people if one["login"]}
    return {"groups": groups, "subject": answers.SUBJECT, "initiator": by_login[answers.SUPERVISOR]}


@studio.post("/<procedure>/try")
@logged_in
def try_anew(procedure: str) -> Any:
    """A new sandbox with the draft as it is now, in place of the one there was."""
    draft = drafts.read(services(), procedure, actor=me().id)
    files = drafts.contents(services(), procedure, actor=me().id)
    subject, initiator = request.form.get("subject", ""), request.form.get("initiator", "")

    def people(world: Sandbox) -> tuple[str, str]:
        return _numbered(world, subject), _numbered(world, initiator)

    # at night nobody works, and the sandbox need not wait for the morning
    now = services().calendars.get(_CALENDAR).next_opening(services().clock.now()).replace(microsecond=0)
    try:
        with taken():
            tries().begin(me().id, procedure, files, revision=draft.revision, at=now, people=people)
    except NotDeployable as error:
        findings = told(error.findings)
        return render_template("studio_try_begin.html", draft=draft, findings=findings, **_choice()), 422
    with _begun(procedure) as tried:
        return redirect(_start_of(procedure, tried))


def _numbered(world: Sandbox, number: str) -> str:
    """Id of somebody of the sandbox's company by employee number. Raises NotFound."""
    with world.services.database.reading() as connection:
        found: str | None = connection.execute(sa.select(Person.id).where(Person.employee_no == number)).scalar_one_or_none()
    if found is None:
        raise NotFound(what="person", name=number)
    return found


def _start_of(procedure: str, tried: Try) -> str:
    """Where the initiator fills in the start form."""
    return _page(procedure, tried.initiator, f"start/{procedure}/{tried.subject}")


def _page(procedure: str, person: str, path: str) -> str:
    return url_for("studio.act_as", procedure=procedure, person=person, path=path)


def _shown(tried: Try) -> dict[str, Any]:
    """Everything that the page tells of a sandbox."""
    procedure, case_id = tried.sandbox.procedure, tried.case_id
    g.now = tried.sandbox.clock.now()
    due = tried.sandbox.next_due()
    shown: dict[str, Any] = {"now": tried.sandbox.clock.now(), "next_due": due, "case": None, "start": _start_of(procedure, tried)}
    with tried.sandbox.services.database.reading() as connection:
        shown |= {"substitutes": absences.rows(connection, shown["now"]), "groups": _choice()["groups"]}
    if case_id is None:
        return shown
    world, places = tried.sandbox.services, Places(tried.sandbox, case_id)
    try:
        manager = places.manager()
    except Unfit:  # the files name no role that anybody of the sample company holds
        manager = tried.initiator
    case = casefile.case_page(world, case_id, reader=manager)
    passed = places.passed()
    source = next(content for path, content in sorted(places.deployed.files.items()) if path.endswith(".bpmn"))
    done = (passed.elements | passed.flows) - case.lit
    return shown | {
        "case": case,
        "manager": manager,
        "steps": [(step, [(id, places.name(id)) for id in sorted(step.holder_ids, key=places.name)]) for step in case.open],
        "waiting": [(one, places.title(one.element), _text(one.input), _text(one.proposed)) for one in tried.waiting()],
        "pushes": [(operation, _text(given)) for operation, given in expecting.pushes(world, case_id)],
        "variables": [(name, _text(value)) for name, value in sorted(tried.variables().items())],
        "timeline": main_events(case.timeline),
        "diagram": render.svg(source, done=done, lit=set(case.lit), locale=i18n.current()),
        "page": lambda person, path: _page(procedure, person, path),
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


# --- what is done with it


@studio.post("/<procedure>/try/over")
@logged_in
def try_over(procedure: str) -> Any:
    """Forget the sandbox."""
    with _mine(procedure):
        pass
    with taken():
        tries().end(me().id, procedure)
    return redirect(url_for("studio.attempt", procedure=procedure))


@studio.post("/<procedure>/try/time")
@logged_in
def pass_time(procedure: str) -> Any:
    """To what is due next, by a working day, or to a moment."""
    with _begun(procedure) as tried:
        now = tried.sandbox.clock.now()
        match request.form.get("how"):
            case "next":
                moment = tried.sandbox.next_due() or now
            case "day":
                moment = services().calendars.get(_CALENDAR).add(now, days=1)
            case _:
                found = reading.moment(request.form.get("moment", ""), zone())
                if found is None:
                    raise RequestInvalid(reason="“moment” must be a day or a moment in ISO 8601", field="moment")
                moment = found
        tried.let_time_pass(moment)
    return redirect(url_for("studio.attempt", procedure=procedure, _anchor="time"))


@studio.get("/<procedure>/try/substitute")
@logged_in
def name_substitute(procedure: str) -> Any:
    """Where somebody who is absent names who signs for them."""
    with _begun(procedure) as tried:
        person = _numbered(tried.sandbox, request.args.get("absent", ""))
    return redirect(_page(procedure, person, "substitutes"))


@studio.post("/<procedure>/try/by-hand")
@logged_in
def by_hand(procedure: str) -> Any:
    """Whether pushes wait for somebody to say what comes back."""
    with _begun(procedure) as tried:
        tried.answer_by_hand(request.form.get("wanted") == "yes")
    return redirect(url_for("studio.attempt", procedure=procedure, _anchor="calls"))


@studio.post("/<procedure>/try/answer")
@logged_in
def answer_call(procedure: str) -> Any:
    """Let a call that waits be answered, or fail."""
    with _begun(procedure) as tried:
        fails = request.form.get("fails", "")
        try:
            value = None if fails else json.loads(request.form.get("value", "") or "null")
        except (ValueError, RecursionError):
            raise RequestInvalid(reason='the answer must be JSON, such as {"reference": "A-1"}', field="value") from None
        tried.answer(request.form.get("key", ""), value=value, fails=fails)
    return redirect(url_for("studio.attempt", procedure=procedure, _anchor="calls"))


@studio.post("/<procedure>/try/record")
@logged_in
def record(procedure: str) -> Any:
    """Write what was done down as a scenario of the draft, and play it once."""
    name = request.form.get("name", "").strip()[:200]
    if not name:
        raise RequestInvalid(reason="say what the scenario is called", field="name")
    with _begun(procedure) as tried:
        if tried.case_id is None:
            raise NotFound(what="case", name=procedure)
        text = recording.recorded(tried, name=name).encode()
    files = dict(drafts.contents(services(), procedure, actor=me().id))
    path = _free(files, dt.datetime.now(zone()))
    changing.save(services(), procedure, path, text, revision=None, actor=me().id)
    with taken():
        outcome = verdicts.play(services(), {**files, path: text}, procedure=procedure, only=[path])[-1]
    if outcome.passed:
        flash(gettext("Recorded as %(path)s; played once, it passes.", path=path), "success")
    else:
        flash(gettext("Recorded as %(path)s; played once, it does not pass yet. Look at it.", path=path), "warning")
    return redirect(url_for("studio.scenario_list", procedure=procedure, only=path))


def _free(files: Any, now: dt.datetime) -> str:
    """A path that no file of the draft has."""
    for number in range(1, 1000):
        path = f"{reading.FOLDER}recorded-{now:%Y%m%d}-{number}.yaml"
        if path not in files:
            return path
    raise NotFound(what="free name", name=reading.FOLDER)


# --- as anybody of its company


@studio.route("/<procedure>/try/as/<person>/", defaults={"path": ""}, methods=["GET", "POST"])
@studio.route("/<procedure>/try/as/<person>/<path:path>", methods=["GET", "POST"])
@csrf.exempt  # the pages inside check their own forms
@logged_in
def act_as(procedure: str, person: str, path: str) -> Response:
    """A page of the product in the sandbox, as one of its people."""
    if path.startswith("static/"):
        return current_app.send_static_file(path.removeprefix("static/"))
    back = url_for("studio.attempt", procedure=procedure)
    with _begun(procedure) as tried:
        who = acting.reader(tried.sandbox.services, person, locale=i18n.current())
        answer = acting.answered(_pages(tried), who, mount=_page(procedure, person, ""), path=path, back=back)
        if request.method == "POST":
            tried.settle()
    return answer


def _pages(tried: Try) -> Flask:
    """The application on this sandbox, made once."""
    kept: dict[Path, tuple[Sandbox, Flask]] = current_app.extensions.setdefault("sandbox pages", {})
    for file in [file for file in list(kept) if not file.exists()]:
        kept.pop(file, None)
    if tried.file not in kept or kept[tried.file][0] is not tried.sandbox:
        while len(kept) >= _APPLICATIONS:
            kept.pop(next(iter(kept)), None)
        kept[tried.file] = tried.sandbox, acting.application(tried.sandbox.services)
    return kept[tried.file][1]
