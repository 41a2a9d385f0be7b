"""Where the studio lies: its pages, and what the editors in the browser ask for as JSON."""

from __future__ import annotations

from flask import Blueprint

from ..i18n import N_, gettext

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


@studio.app_template_filter("file_kind")
def file_kind(kind: str) -> str:
    return gettext(KINDS[kind])
