"""Which page of the handbook explains which screen.

A screen is the endpoint that answers a GET, or all of a blueprint by its name; one that edits files may have the kind of the file
behind it. `{verb}` and the like are filled from the address.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import PurePosixPath

SCREENS: Mapping[str, str] = {
    "accounts": "start/log-in",
    "accounts.account": "start/settings",
    "handbook": "start/handbook",
    "notices": "start/settings#notices",
    "notices.everybody": "admin/notices",
    "feeds": "start/settings#calendar",
    "substitutes": "work/absence",
    "substitutes.everybody": "admin/absence",
    "inbox": "work/inbox",
    "inbox.group": "work/inbox#group",
    "inbox.standing_in": "work/inbox#standing-in",
    "inbox.sent": "work/inbox#sent",
    "inbox.copied": "work/inbox#copied",
    "inbox.done": "work/inbox#done",
    "inbox.approve_together": "work/item#together",
    "items": "work/item",
    "drafts": "work/item#draft",
    "enclosures": "work/item#give",
    "verbs": "work/verbs",
    "verbs.ask": "work/verbs#{verb}",
    "copies": "work/verbs#copy",
    "comments": "work/case#comments",
    "cases": "work/case",
    "cases.index": "work/case#list",
    "cases.snapshot": "hr/portrait#snapshot",
    "corrections": "hr/endings#correct",
    "records": "work/record",
    "records.check": "work/record#check",
    "start": "hr/start",
    "start.index": "hr/start#procedure",
    "start.employees": "hr/start#employee",
    "endings": "hr/endings",
    "endings.ask": "hr/endings#{act}",
    "returns": "hr/endings#return",
    "incidents": "admin/incidents",
    "people": "admin/people",
    "people.departments": "admin/people#departments",
    "people.lists": "admin/people#lists",
    "people.changes": "admin/people#changes",
    "directory_files": "admin/import",
    "looking_up": "admin/import#ids",
    "handover": "admin/absence#handover",
    "tokens": "admin/tokens",
    "chains": "admin/chains",
    "chains.trial": "admin/chains#preview",
    "chains.open_items": "admin/chains#open",
    "studio": "owners/studio",
    "studio.edit": "owners/studio#edit",
    "studio.edit.bpmn": "owners/modeler",
    "studio.edit.dmn": "owners/decisions",
    "studio.edit.form": "owners/forms",
    "studio.edit.html": "owners/letters",
    "studio.edit.txt": "owners/letters#texts",
    "studio.file": "owners/studio#file",
    "studio.preview": "owners/forms#preview",
    "studio.choose": "owners/studio#upload",
    "studio.ask_discard": "owners/studio#discard",
    "studio.attempt": "owners/try",
    "studio.try_anew": "owners/try#begin",
    "studio.name_substitute": "owners/try#away",
    "studio.scenario_list": "owners/scenarios#play",
    "studio.play_scenarios": "owners/scenarios#play",
    "studio.versions_apart": "owners/compare",
    "studio.what_if": "owners/compare#what-if",
    "studio.consider": "owners/publish",
    "studio.publish": "owners/publish#refused",
    "studio.publication": "owners/publish#playing",
    "studio.compare": "owners/publish#take-over",
    "operations": "owners/flow",
    "analytics": "owners/figures",
    "aftermath": "owners/figures#aftermath",
    "studio.version_list": "owners/versions#list",
    "studio.roll_back": "owners/versions#back",
    "procedures": "owners/procedures",
    "procedures.index": "owners/procedures#list",
    "procedures.show": "owners/procedures#overview",
    "procedures.consider": "owners/versions#{act}",
    "procedures.cases": "owners/versions#move",
}

#: the same for somebody without any role: whoever a case is about
OF_EMPLOYEES: Mapping[str, str] = {
    "inbox": "own/statement",
    "items": "own/statement",
    "cases": "own/case",
    "cases.index": "own/case",
}


def explained_at(endpoint: str, arguments: Mapping[str, object], *, roles: Set[str]) -> str:
    """`group/page` or `group/page#heading` for a screen; "" where none explains it."""
    kind = PurePosixPath(str(arguments.get("path", ""))).suffix
    tables = (SCREENS,) if roles else (OF_EMPLOYEES, SCREENS)
    found = next((table[key] for key in (endpoint + kind, endpoint, endpoint.partition(".")[0]) for table in tables if key in table), "")
    return found.format(**arguments) if "{" in found else found
