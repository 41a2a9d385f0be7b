"""Files from elsewhere: first what their conversion and the check say, then they are taken into the draft."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from engine.errors import DraftMovedOn, FileRefused, NotAllowed
from engine.studio import changing, drafts, uploading

from .. import i18n
from ..accounts import logged_in, me, services
from ..i18n import gettext, ngettext
from ..uploads import packed, unpacked, uploaded
from . import checking
from .addresses import studio

_TOO_LARGE = "these files are too large for a page; bring in fewer at once"


@studio.get("/<procedure>/upload")
@logged_in
def choose(procedure: str) -> Any:
    return _page(procedure)


@studio.post("/<procedure>/upload")
@logged_in
def upload(procedure: str) -> Any:
    """A look at what was chosen; with `take`, what was looked at is taken into the draft."""
    kept = request.form.get("kept", "")
    try:
        if "take" in request.form and unpacked(kept):
            found = uploading.consider(services(), procedure, dict(unpacked(kept)), actor=me().id)
            seen = request.form.get("revision", 0, type=int)
            changing.take(services(), procedure, found.files, revision=seen, actor=me().id)
            flash(
                ngettext("%(num)s file was taken into the draft.", "%(num)s files were taken into the draft.", len(found.considered)),
                "success",
            )
            return redirect(url_for("studio.show", procedure=procedure))
        chosen = [(str(file.filename)[:200], uploaded(file).content) for file in request.files.getlist("files") if file.filename]
        if not chosen:
            return _page(procedure, error=gettext("Choose a file.")), 422
        kept = packed(chosen, too_large=_TOO_LARGE)
        found = uploading.consider(services(), procedure, dict(chosen), actor=me().id)
    except DraftMovedOn as error:
        found = uploading.consider(services(), procedure, dict(unpacked(kept)), actor=me().id)
        return _page(procedure, found=found, kept=kept, error=i18n.error_text(error)), error.status
    except (FileRefused, NotAllowed) as error:
        return _page(procedure, error=i18n.error_text(error)), error.status
    return _page(procedure, found=found, kept=kept)


def _page(procedure: str, *, found: uploading.Upload | None = None, kept: str = "", error: str = "") -> str:
    draft = drafts.read(services(), procedure, actor=me().id)
    considered = [(one, checking.told(one.findings)) for one in found.considered] if found else []
    revision = found.revision if found else draft.revision
    return render_template("studio_upload.html", draft=draft, considered=considered, kept=kept, error=error, revision=revision)
