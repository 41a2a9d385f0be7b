"""The versions of one procedure: who published each and why, which serves new cases, how many run on it; compare any two, roll back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from engine import migration, versions
from engine.errors import ActivatedMeanwhile, NotDeployable
from engine.studio import drafts
from engine.versions import VersionRow

from .. import i18n
from ..accounts import logged_in, me, services
from ..i18n import gettext
from .addresses import studio


@studio.get("/<procedure>/versions")
@logged_in
def version_list(procedure: str) -> Any:
    return _page(procedure)


def _page(procedure: str, faults: Sequence[str] = ()) -> str:
    draft = drafts.read(services(), procedure, actor=me().id)
    found = versions.versions(services(), procedure)
    return render_template(
        "studio_versions.html",
        draft=draft,
        versions=[(row, versions.made(row), _before(found, place)) for place, row in enumerate(found)],
        former=versions.former(services(), procedure),
        running=sum(row.running for row in found),
        moved=migration.any_moved(services(), procedure),
        faults=faults,
        typed=request.form,
    )


def _before(rows: Sequence[VersionRow], place: int) -> int | None:
    """Number of the version before one in the list."""
    return rows[place + 1].number if place + 1 < len(rows) else None


@studio.post("/<procedure>/roll-back")
@logged_in
def roll_back(procedure: str) -> Any:
    """Activate the version that was active before; `active` is the one that was seen, so that a second click goes no further back."""
    reason = request.form.get("reason", "").strip()
    if not reason:
        return _page(procedure, [gettext("This is required.")]), 422
    try:
        number = versions.roll_back(services(), procedure, by=me().id, note=reason, seen=request.form.get("active", 0, type=int))
    except ActivatedMeanwhile as error:
        return _page(procedure, [i18n.error_text(error)]), error.status
    except NotDeployable as error:
        why = [" ".join(filter(None, (one.name or one.element, i18n.fill(one.message, one.facts)))) for one in error.findings]
        return _page(procedure, [gettext("This version no longer fits what is installed."), *why]), error.status
    flash(gettext("Version %(number)s is active again. New cases start on it.", number=number), "success")
    return redirect(url_for("studio.version_list", procedure=procedure))
