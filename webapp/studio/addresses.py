"""Where the studio lies: its pages, and what the editors in the browser ask for as JSON."""

from __future__ import annotations

from flask import Blueprint

from .. import uploads
from ..api.shapes import FOLDER
from ..i18n import N_, gettext
from ..text import VERSION_ACT

#: pages
studio = Blueprint("studio", __name__, url_prefix="/studio")
#: JSON; what goes wrong is answered as problem details, too
data = Blueprint("studio_data", __name__, url_prefix="/studio")

#: what the kinds of files are called
KINDS = {
    "bpmn": N_("Diagram"),
    "dmn": N_("Decision table"),
    "form": N_("Form"),
    "letter": N_("Letter"),
    "rules": N_("Rules"),
    "chains": N_("Approval chains that come along"),
    "scenario": N_("Scenario"),
    "other": N_("Other file"),
}


@data.before_request
def sized() -> None:
    """Nothing is read that is larger than a whole procedure."""
    uploads.at_most(FOLDER)


@studio.app_template_filter("file_kind")
def file_kind(kind: str) -> str:
    return gettext(KINDS[kind])


#: what was done with a draft (`engine.studio.events.ACTS`)
_ACTS = {
    "deployed": N_("Published"),
    "begun": N_("Draft begun"),
    "edited": N_("Edited"),
    "added": N_("Added"),
    "uploaded": N_("Uploaded"),
    "renamed": N_("Renamed"),
    "removed": N_("Removed"),
    "taken over": N_("Took over"),
    "replaced": N_("Published over another version"),
    "overrode": N_("Published although scenarios fail"),
    "discarded": N_("Draft discarded"),
    "not activated": N_("Could not become active"),
    "not published": N_("Was not published"),
    "withdrawn": N_("Publishing withdrawn"),
}


@studio.app_template_filter("studio_act")
def studio_act(act: str) -> str:
    """What was done with a draft or a version."""
    return gettext({**VERSION_ACT, **_ACTS}[act])
