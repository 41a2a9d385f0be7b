"""Publishing a draft: what changes, what stands against it, at once or at a set time; and what was published meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from engine.errors import (
    DraftBehind,
    DraftMovedOn,
    NotAllowed,
    NotDecided,
    NotDeployable,
    NothingToPublish,
    PartwellError,
    PublicationOver,
    PublicationWaits,
    ScenariosFailed,
    TimePassed,
)
from engine.studio import drafts, gate, merging, publications, publishing, scheduling
from engine.studio.drafts import Draft
from engine.studio.publications import Publication
from engine.studio.publishing import Preview
from engine.studio.scenarios import reading

from .. import i18n
from ..accounts import logged_in, me, services
from ..effective import effective
from ..i18n import gettext
from . import checking
from .addresses import studio
from .changes import by_file, told


@studio.get("/<procedure>/publish")
@logged_in
def consider(procedure: str) -> Any:
    """What would change; nothing is changed. What was refused since the draft was changed last is told."""
    seen, latest = publishing.preview(services(), procedure, actor=me().id), last(procedure)
    if latest is None or latest.state != "refused" or not concerns(latest, seen.draft):
        return _page(seen, waiting=latest if latest is not None and latest.state == "waiting" else None)
    return _page(seen, error=why(latest), failing=list(latest.failing), typed={"reason": latest.note})


@studio.post("/<procedure>/publish")
@logged_in
def publish(procedure: str) -> Any:
    form = request.form
    note = form.get("reason", "").strip()
    seen = publishing.preview(services(), procedure, actor=me().id)
    if not note:
        return _page(seen, faults={"reason": gettext("This is required.")}), 422
    at = effective(form.get("at", "")) if form.get("when") == "later" else None
    if form.get("when") == "later" and at is None:
        return _page(seen, faults={"at": gettext("This is required.")}), 422
    try:
        done = publications.publish(
            services(),
            procedure,
            revision=form.get("revision", 0, type=int),
            actor=me().id,
            note=note,
            at=at,
            replacing=form.get("replacing", type=int),
            override=form.get("override", "").strip() if "overriding" in form else "",
        )
    except TimePassed as error:
        return _page(seen, faults={"at": i18n.error_text(error)}), error.status
    except ScenariosFailed as error:
        return _page(seen, error=i18n.error_text(error), failing=error.names), error.status
    except (NotDeployable, DraftBehind, DraftMovedOn, NothingToPublish, NotAllowed, PublicationWaits) as error:
        return _page(publishing.preview(services(), procedure, actor=me().id), error=_said(error)), error.status
    if isinstance(done, Publication):
        return redirect(url_for("studio.publication", procedure=procedure, id=done.id))
    return _published(procedure, done.number, done.at)


@studio.get("/<procedure>/publications/<id>")
@logged_in
def publication(procedure: str, id: str) -> Any:
    """How far it is; leads on by itself to what became of it."""
    found = publications.read(services(), procedure, id, actor=me().id)
    if found.state == "waiting":
        draft = drafts.read(services(), procedure, actor=me().id)
        return render_template("studio_publication.html", draft=draft, publication=found)
    if found.state == "withdrawn":
        flash(gettext("It was withdrawn and is not published."), "info")
        return _onward(redirect(_where_from(found)))
    if found.state == "published":
        assert found.number is not None
        return _onward(_published(procedure, found.number, found.at))
    if found.revision is not None:
        if not concerns(found, drafts.read(services(), procedure, actor=me().id)):
            flash(why(found), "danger")
        return _onward(redirect(url_for("studio.consider", procedure=procedure)))
    flash(why(found), "danger")
    return _onward(redirect(_where_from(found)))


def _where_from(publication: Publication) -> str:
    """The page of the draft, or that of versions where one of them was to be activated."""
    return url_for("studio.show" if publication.revision is not None else "studio.version_list", procedure=publication.procedure)


@studio.post("/<procedure>/publications/<id>/withdraw")
@logged_in
def withdraw(procedure: str, id: str) -> Any:
    """Back to the publication, which leads on by what it is now: published, where somebody was too late."""
    try:
        publications.withdraw(services(), procedure, id, actor=me().id)
    except PublicationOver as error:
        flash(i18n.error_text(error), "warning")
    return redirect(url_for("studio.publication", procedure=procedure, id=id))


def _published(procedure: str, number: int, at: dt.datetime | None) -> Any:
    said = gettext("Version %(number)s is active. New cases start on it.", number=number)
    if at is not None:
        said = gettext("Version %(number)s becomes active at %(when)s.", number=number, when=i18n.moment(at))
    flash(said, "success")
    return redirect(url_for("studio.show", procedure=procedure))


def _onward(answer: Any) -> Any:
    """The page goes there, not only the part of it that asked."""
    if "HX-Request" in request.headers:
        answer.headers["HX-Redirect"] = answer.headers.pop("Location")
        answer.status_code = 204
    return answer


def last(procedure: str) -> Publication | None:
    """The latest publication, as long as nothing became active since."""
    with services().database.reading() as connection:
        return publications.last(connection, procedure)


def concerns(publication: Publication, draft: Draft) -> bool:
    """Whether what was said against a publication still says something about the draft: it was changed meanwhile, or not since."""
    return publication.revision == draft.revision or publication.code == "draft_moved_on"


def why(publication: Publication) -> str:
    """Why it was refused, in the reader's language."""
    return " ".join(i18n.fill(reason["template"], reason["facts"]) for reason in publication.reasons)


def _said(error: PartwellError) -> str:
    """Findings stand on the page already."""
    return gettext("The check refuses it; see below.") if isinstance(error, NotDeployable) else i18n.error_text(error)


def _page(
    seen: Preview,
    *,
    faults: Mapping[str, str] = {},
    error: str = "",
    failing: list[str] | None = None,
    waiting: Publication | None = None,
    typed: Mapping[str, Any] | None = None,
) -> str:
    with services().database.reading() as connection:
        editors = drafts.names(connection, seen.draft.editors)
    return render_template(
        "studio_publish.html",
        draft=seen.draft,
        preview=seen,
        changes=by_file(seen),
        findings={path: checking.told(found) for path, found in seen.findings.items() if found},
        editors=editors,
        faults=faults,
        error=error,
        failing=failing or [],
        waiting=waiting,
        may_override=gate.OVERRIDERS in me().roles,
        typed=typed or request.form,
        usual=reading.USUAL,
    )


@studio.post("/<procedure>/unschedule")
@logged_in
def unschedule(procedure: str) -> Any:
    """A version that waits for its time does not become active by itself."""
    number = request.form.get("number", 0, type=int)
    scheduling.cancel(services(), procedure, number, actor=me().id, note=request.form.get("reason", ""))
    flash(gettext("Version %(number)s does not become active by itself any more.", number=number), "success")
    return redirect(url_for("studio.show", procedure=procedure))


@studio.get("/<procedure>/take-over")
@logged_in
def compare(procedure: str) -> Any:
    """What changed in the version that was published since the draft began."""
    return _apart(procedure)


@studio.post("/<procedure>/take-over")
@logged_in
def take_over(procedure: str) -> Any:
    keep = {name.removeprefix("keep:"): whose for name, whose in request.form.items() if name.startswith("keep:")}
    seen: Any = {"revision": request.form.get("revision", 0, type=int), "active": request.form.get("active", 0, type=int)}
    try:
        merging.take_over(services(), procedure, **seen, keep=keep, actor=me().id)
    except (NotDecided, DraftMovedOn) as error:
        return _apart(procedure, i18n.error_text(error)), error.status
    flash(gettext("The draft goes on from version %(number)s.", number=seen["active"]), "success")
    return redirect(url_for("studio.show", procedure=procedure))


def _apart(procedure: str, error: str = "") -> str:
    draft = drafts.read(services(), procedure, actor=me().id)
    found = merging.compare(services(), procedure, actor=me().id)
    files = [(one, [told(change) for change in one.mine], [told(change) for change in one.theirs]) for one in found]
    return render_template("studio_take_over.html", draft=draft, files=files, error=error, typed=request.form)
