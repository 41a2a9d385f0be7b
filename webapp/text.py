"""What states, outcomes and events are called on pages: one closed list each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask, g
from markupsafe import Markup, escape

from engine.ledger import Event, FormerEvent

from . import events
from .i18n import N_, gettext, incident_text, moment, reason

STATUS = {
    "running": N_("In progress"),
    "suspended": N_("Suspended"),
    "closed": N_("Closed"),
    "open": N_("Open"),
    "completed": N_("Completed"),
    "left": N_("No longer needed"),
}

#: states of a chain's step, of a sign-off, of a job and of an attempt
STATE = {
    "waiting": N_("Waiting"),
    "open": N_("Being decided"),
    "approved": N_("Approved"),
    "rejected": N_("Rejected"),
    "returned": N_("Returned"),
    "completed": N_("Completed"),
    "transferred": N_("Transferred"),
    "resolved": N_("Opinion given"),
    "withdrawn": N_("Withdrawn"),
    "removed": N_("Removed"),
    "skipped": N_("Skipped"),
    "lapsed": N_("Closed by another decision"),
    "left": N_("No longer needed"),
    "leased": N_("Being called"),
    "done": N_("Carried out"),
    "failed": N_("Needs attention"),
    "dropped": N_("No longer needed"),
    "try_again": N_("No answer, tried again"),
    "refused": N_("Refused"),
    "needs_person": N_("A person must look"),
}

RESOLUTION = {
    "retried": N_("Tried again"),
    "corrected": N_("Tried again with corrected input"),
    "answered": N_("Answered by hand"),
    "skipped": N_("Skipped without a result"),
    "left": N_("No longer needed"),
}

#: what is changed from one version to another (`engine.bpmn.differences.Change.what`)
THINGS = {
    "file": N_("file"),
    "process": N_("process"),
    "element": N_("element"),
    "flow": N_("flow"),
    "lane": N_("lane"),
    "decision": N_("decision"),
    "column": N_("column"),
    "rule": N_("rule"),
    "field": N_("field"),
    "entry": N_("entry"),
}
#: what was done with a version of a procedure
VERSION_ACT = {
    "deployed": N_("Deployed"),
    "activated": N_("Activated"),
    "suspended": N_("Suspended"),
    "resumed": N_("Resumed"),
    "scheduled": N_("Scheduled"),
    "unscheduled": N_("Schedule cancelled"),
    "activated on time": N_("Activated as scheduled"),
    "not activated": N_("Could not become active"),
}

#: what was done with an approval chain
CHAIN_ACT = {
    "edited": N_("Draft saved"),
    "imported": N_("Draft read from a file"),
    "discarded": N_("Draft discarded"),
    "published": N_("Published"),
    "undone": N_("Published again"),
}

#: what becomes of something done outside when a case goes back
EFFECT = {
    "done": N_("stays done"),
    "undone": N_("is undone now"),
    "under_way": N_("is being called right now"),
}

#: event of the ledger -> (icon, colour)
EVENT_LOOKS = {
    Event.CASE_STARTED: ("file-plus", "primary"),
    Event.CASE_SUSPENDED: ("player-pause", "warning"),
    Event.CASE_RESUMED: ("player-play", "primary"),
    Event.CASE_CLOSED: ("lock", "primary"),
    Event.CASE_MIGRATED: ("history", "primary"),
    Event.CASE_RETURNED: ("arrow-back-up", "warning"),
    Event.CASE_MOVED: ("chevron-right", "warning"),
    Event.CASE_RESUBMITTED: ("send", "primary"),
    Event.CASE_REOPENED: ("player-play", "warning"),
    Event.CASE_VOIDED: ("circle-x", "danger"),
    Event.SEQUEL_RECORDED: ("scale", "danger"),
    Event.SEQUEL_ENDED: ("scale", "primary"),
    FormerEvent.CASE_DISPUTED: ("scale", "danger"),
    FormerEvent.DISPUTE_ENDED: ("scale", "primary"),
    Event.CASE_EXPORTED: ("eye", "secondary"),
    Event.ENDING_ASKED: ("users", "warning"),
    Event.ENDING_DECLINED: ("circle-x", "warning"),
    Event.ITEM_OPENED: ("inbox", "secondary"),
    Event.ITEM_CLAIMED: ("hand-grab", "secondary"),
    Event.ITEM_RELEASED: ("arrow-back-up", "secondary"),
    Event.ITEM_COMPLETED: ("circle-check", "success"),
    Event.ITEM_URGED: ("alert-triangle", "warning"),
    Event.STEP_OPENED: ("users", "secondary"),
    Event.STEP_APPROVED: ("circle-check", "success"),
    Event.STEP_REJECTED: ("circle-x", "danger"),
    Event.STEP_REJECTED_BY_RULE: ("circle-x", "danger"),
    Event.STEP_RESUBMITTED: ("users", "secondary"),
    Event.STEP_RERESOLVED: ("users", "warning"),
    Event.STEP_RETURNED: ("arrow-back-up", "warning"),
    Event.SIGNERS_ASKED: ("plug-connected", "secondary"),
    Event.SIGNERS_ANSWERED: ("plug-connected", "secondary"),
    Event.SIGNERS_CHOSEN: ("users", "secondary"),
    Event.CHOICE_CORRECTED: ("users", "warning"),
    Event.SIGN_OFF_TRANSFERRED: ("chevron-right", "secondary"),
    Event.SIGN_OFF_REASSIGNED: ("chevron-right", "warning"),
    Event.SIGN_OFF_DELEGATED: ("send", "secondary"),
    Event.SIGN_OFF_TAKEN_BACK: ("arrow-back-up", "secondary"),
    Event.SIGN_OFF_RESOLVED: ("message-2", "primary"),
    Event.SIGN_OFF_ADDED: ("users", "secondary"),
    Event.SIGN_OFF_REMOVED: ("users", "warning"),
    Event.SIGN_OFF_WITHDRAWN: ("arrow-back-up", "warning"),
    Event.SIGN_OFF_REMINDED: ("clock", "warning"),
    Event.SIGN_OFF_ESCALATED: ("clock", "warning"),
    Event.SIGN_OFF_BY_RULE: ("clock", "warning"),
    Event.SIGN_OFF_HANDED_OVER: ("chevron-right", "warning"),
    Event.SIGN_OFF_REROUTED: ("chevron-right", "warning"),
    Event.SIGN_OFF_KEPT: ("alert-triangle", "warning"),
    Event.SIGN_OFF_DUE_MOVED: ("clock", "secondary"),
    Event.COPY_SENT: ("eye", "secondary"),
    Event.COPY_READ: ("eye", "secondary"),
    Event.COMMENT_WRITTEN: ("message-2", "secondary"),
    Event.OPERATION_REQUESTED: ("plug-connected", "secondary"),
    Event.OPERATION_DONE: ("plug-connected", "success"),
    Event.OPERATION_FAILED: ("refresh", "warning"),
    Event.TIMER_FIRED: ("clock", "warning"),
    Event.TIMER_MOVED: ("clock", "secondary"),
    Event.ERROR_CAUGHT: ("alert-triangle", "warning"),
    Event.COMPENSATION_BEGUN: ("arrow-back-up", "warning"),
    Event.VARIABLE_OVERWRITTEN: ("pencil", "warning"),
    Event.MESSAGE_SENT: ("send", "secondary"),
    Event.MESSAGE_RECEIVED: ("mail", "primary"),
    Event.SIGNAL_SENT: ("send", "secondary"),
    Event.SIGNAL_RECEIVED: ("mail", "primary"),
    Event.INCIDENT_OPENED: ("alert-triangle", "danger"),
    Event.INCIDENT_RESOLVED: ("shield-check", "success"),
    Event.SNAPSHOT_STORED: ("database", "secondary"),
    Event.SNAPSHOT_READ: ("eye", "secondary"),
    Event.DOCUMENT_STORED: ("file-text", "secondary"),
    Event.DOCUMENT_READ: ("eye", "secondary"),
    Event.BUNDLE_SEALED: ("lock", "success"),
    Event.BUNDLE_EXPORTED: ("download", "secondary"),
}

#: what a reader wants to see first; everything else is shown on demand
_MAIN = frozenset(
    {
        Event.CASE_STARTED,
        Event.CASE_SUSPENDED,
        Event.CASE_RESUMED,
        Event.CASE_CLOSED,
        Event.CASE_MIGRATED,
        Event.CASE_RETURNED,
        Event.CASE_MOVED,
        Event.CASE_REOPENED,
        Event.CASE_RESUBMITTED,
        Event.CASE_VOIDED,
        Event.SEQUEL_RECORDED,
        Event.SEQUEL_ENDED,
        *FormerEvent,
        Event.ENDING_ASKED,
        Event.ENDING_DECLINED,
        Event.ITEM_COMPLETED,
        Event.ITEM_LEFT,
        Event.ITEM_URGED,
        Event.STEP_APPROVED,
        Event.STEP_REJECTED,
        Event.STEP_REJECTED_BY_RULE,
        Event.STEP_RERESOLVED,
        Event.STEP_RETURNED,
        Event.CHOICE_CORRECTED,
        Event.SIGN_OFF_TRANSFERRED,
        Event.SIGN_OFF_REASSIGNED,
        Event.SIGN_OFF_DELEGATED,
        Event.SIGN_OFF_TAKEN_BACK,
        Event.SIGN_OFF_RESOLVED,
        Event.SIGN_OFF_ADDED,
        Event.SIGN_OFF_REMOVED,
        Event.SIGN_OFF_WITHDRAWN,
        Event.SIGN_OFF_REMINDED,
        Event.SIGN_OFF_ESCALATED,
        Event.SIGN_OFF_BY_RULE,
        Event.SIGN_OFF_HANDED_OVER,
        Event.SIGN_OFF_REROUTED,
        Event.SIGN_OFF_KEPT,
        Event.SIGN_OFF_DUE_MOVED,
        Event.COPY_SENT,
        Event.COMMENT_WRITTEN,
        Event.OPERATION_DONE,
        Event.MESSAGE_RECEIVED,
        Event.SIGNAL_RECEIVED,
        Event.OPERATION_FAILED,
        Event.TIMER_FIRED,
        Event.TIMER_MOVED,
        Event.INCIDENT_OPENED,
        Event.INCIDENT_RESOLVED,
        Event.BUNDLE_SEALED,
    }
)

ROLE = {
    "supervisor": N_("Supervisor"),
    "department_head": N_("Department head"),
    "hr": N_("HR"),
    "hr_director": N_("HR director"),
    "legal": N_("Legal"),
    "union": N_("Union"),
    "general_affairs": N_("General affairs"),
    "admin": N_("Administrator"),
}


def called(names: Mapping[str, str], key: str | None) -> str:
    """The name of a state in the language of the request; an unknown one as it is."""
    return gettext(names[key]) if key in names else key or ""


def event_text(event: str) -> str:
    """What happened, in two or three words."""
    return gettext(events.name(event))


#: operations that Partwell offers itself: nobody outside answers them
_OWN = ("portrait.", "document.")


def what(event: Any) -> str:
    """What happened, of an event of the timeline: as `event_text`, and who carried an operation out."""
    if event.event == Event.OPERATION_DONE and str(event.detail.get("operation", "")).startswith(_OWN):
        return gettext(N_("Done by the system"))
    return event_text(event.event)


#: what of an event's detail is shown under it, with its label
_DETAILS = {
    "opinion": N_("Opinion"),
    "reason": N_("Reason"),
    "text": N_("Comment"),
    "decision": N_("Decision"),
    "outcome": N_("Outcome"),
    "step": N_("Step"),
    "former": N_("From"),
    "to": N_("To"),
    "operation": N_("Operation"),
    "attempts": N_("Attempts"),
    "message": N_("Message"),
    "resolution": N_("Resolution"),
    "system": N_("System"),
    "due": N_("Due"),
}


def main_events(timeline: Sequence[Any]) -> list[Any]:
    """The timeline as people first want to read it: what was done and decided, each once."""
    shown: list[Any] = []
    for event in timeline:
        signed = shown and shown[-1].event in (Event.STEP_APPROVED, Event.STEP_REJECTED) and shown[-1].element == event.element
        if event.event in _MAIN and not (signed and event.event == Event.ITEM_COMPLETED):
            shown.append(event)
    return shown


def runs(timeline: Sequence[Any]) -> list[list[Any]]:
    """The timeline cut into what is shown as one entry: calls that all went well one after another are told together."""
    cut: list[list[Any]] = []
    for event in timeline:
        smooth = event.event == Event.OPERATION_DONE and event.detail.get("attempts") == 1
        if smooth and cut and cut[-1][-1].event == Event.OPERATION_DONE and cut[-1][-1].detail.get("attempts") == 1:
            cut[-1].append(event)
        else:
            cut.append([event])
    return cut


def event_lines(event: Any, *, technical: bool = False) -> list[tuple[str, str]]:
    """Labels and texts under an event: what was said, decided; `technical`: also what was called."""
    detail = dict(event.detail)
    if incident := g.get("incidents", {}).get(detail.get("incident", "")):
        detail["message"] = incident_text(incident)
    if not technical and event.event != Event.OPERATION_FAILED:
        detail.pop("operation", None)
    if isinstance(detail.get("values"), Mapping):
        shown = ("decision",) if "decided_by" in detail["values"] else ("decision", "opinion")  # a step told its opinion itself
        detail = {**{key: detail["values"].get(key) for key in shown}, **detail}
    if str(detail.get("decision")) not in STATE:  # an option of a form, whose label stands with what was filled in
        detail.pop("decision", None)
    if detail.get("attempts") == 1:
        detail.pop("attempts")
    if detail.get("step") == event.role:
        detail.pop("step", None)
    return [(gettext(label), _worded(name, detail[name])) for name, label in _DETAILS.items() if detail.get(name)]


def _worded(name: str, value: Any) -> str:
    match name:
        case "outcome":
            return called(events.OUTCOMES, value)
        case "decision":
            return called(STATE, value)
        case "resolution":
            return called(RESOLUTION, value)
        case "due":
            return moment(value)
        case "former" | "to" if isinstance(value, list):
            return gettext(", ").join(one.get("name") or called(ROLE, one.get("role")) for one in value)
    return reason(str(value))


def prose(text: str) -> Markup:
    """Plain text with a little structure, as letters and forms hold it: paragraphs, `#` headings, `-` lists, `**bold**`."""
    blocks = []
    for block in re.split(r"\n\s*\n", str(text).replace("\r", "").strip()):
        lines = block.split("\n")
        if heading := re.fullmatch(r"#{1,4}\s+(.+)", lines[0].strip()):
            blocks.append(Markup("<p><strong>{}</strong></p>").format(heading[1]))
            lines = lines[1:]
        if lines and all(re.match(r"\s*[-*•]\s+", line) for line in lines):
            items = Markup("").join(Markup("<li>{}</li>").format(_bold(re.sub(r"^\s*[-*•]\s+", "", line))) for line in lines)
            blocks.append(Markup("<ul>{}</ul>").format(items))
        elif lines:
            blocks.append(Markup("<p>{}</p>").format(Markup("<br>").join(_bold(line) for line in lines)))
    return Markup("").join(blocks)


def _bold(line: str) -> Markup:
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(line))))


def file_size(size: int) -> str:
    """Bytes as people read them."""
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.0f} kB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"


def init_app(app: Flask) -> None:
    def filter_for(names: Mapping[str, str]) -> Any:
        return lambda key: called(names, key)

    app.jinja_env.filters.update(
        status=filter_for(STATUS),
        outcome=filter_for(events.OUTCOMES),
        state=filter_for(STATE),
        role=filter_for(ROLE),
        resolution=filter_for(RESOLUTION),
        version_act=filter_for(VERSION_ACT),
        effect=filter_for(EFFECT),
        chain_act=filter_for(CHAIN_ACT),
        identity=id,
        event_text=event_text,
        what=what,
        prose=prose,
        file_size=file_size,
    )
    app.jinja_env.globals.update(EVENT_LOOKS=EVENT_LOOKS, event_lines=event_lines, runs=runs)
