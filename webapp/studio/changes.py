"""What changes from one version to another, as somebody reads it who does not program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from markupsafe import Markup

from engine.bpmn.differences import REFERENCES, Change
from engine.calendar import OFFICE
from engine.studio import titles
from engine.studio.paths import kind_of
from engine.studio.publishing import Preview

from ..i18n import N_, gettext, named
from ..text import THINGS
from . import passages, times, wording

#: settings by the names that the panels of the editors give them; any other is called as in the file
_SETTINGS = {
    "name": N_("Name"),
    "name_en": N_("English name"),
    "label": N_("Label"),
    "type": N_("Type"),
    "from": N_("From step"),
    "to": N_("To step"),
    "condition": N_("Condition"),
    "default": N_("Default flow"),
    "lane": N_("Lane"),
    "scope": N_("Inside"),
    "attached": N_("At the edge of"),
    "activity": N_("Undoes"),
    "wf.calendar": N_("Working calendar"),
    "documentation": N_("Documentation"),
    "timer.text": N_("Time"),
    "assignmentDefinition.candidateGroups": N_("Done by roles"),
    "assignmentDefinition.candidateUsers": N_("Done by people"),
    "assignmentDefinition.assignee": N_("Done by"),
    "taskSchedule.dueDate": N_("Due"),
    "taskSchedule.followUpDate": N_("Follow up"),
    "priorityDefinition.priority": N_("Priority"),
    "formDefinition.formId": N_("Form"),
    "taskDefinition.type": N_("Operation"),
    "taskDefinition.retries": N_("Attempts"),
    "calledDecision.decisionId": N_("Decision table"),
    "calledDecision.resultVariable": N_("Result variable"),
    "wf.chain": N_("Approval chain"),
    "cells": N_("Cells"),
    "row": N_("Row"),
    "hit policy": N_("Hit policy"),
    "validate": N_("Validation"),
    "values": N_("Choices"),
    "conditional": N_("Shown when"),
    "text": N_("Text"),
    "expression": N_("Expression"),
    "requires": N_("Decided before"),
}
#: letters of a value that are shown; a longer one than `_LONG` is compared word by word
_LONGEST, _LONG = 300, 80


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One setting of what changed, before and after; or the words of a text."""

    #: "" for the text of a file, which the file's name stands above
    setting: str
    before: str
    after: str
    #: as `passages.passages`, of a text of several lines
    passages: Sequence[tuple[str, str]] = ()
    #: the same of a long value in one line
    words: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Told:
    """One change in words."""

    how: str
    thing: str
    #: what it is called, and its id where it has no name
    name: str
    id: str
    details: Sequence[Detail]


@dataclass(frozen=True, kw_only=True)
class FileTold:
    """What changes in one file."""

    path: str
    #: as `titles.titles`
    called: Sequence[str]
    changes: Sequence[Told]


def by_file(seen: Preview) -> list[FileTold]:
    """The changes of each file; of a letter that is new or goes, what it says."""
    called = titles.titles(seen.present) | titles.titles(seen.files)
    return [
        FileTold(path=path, called=called.get(path, []), changes=[_whole(change, seen) or told(change) for change in of_file])
        for path, of_file in groupby(seen.changes, key=lambda change: change.file)
    ]


def _whole(change: Change, seen: Preview) -> Told | None:
    if change.what != "file" or change.how == "changed" or kind_of(change.file) != "letter":
        return None
    text = passages.of(seen.present.get(change.file), seen.files.get(change.file), change.file)
    return replace(told(change), details=[Detail(setting="", before="", after="", passages=text)] if text else [])


def told(change: Change) -> Told:
    settings = {name: both for name, both in change.settings.items() if name != "timer.kind" or "timer.text" not in change.settings}
    details = [_detail(change, setting, *_worded(change, before, after)) for setting, (before, after) in settings.items()]
    own = change.named.get(change.id)
    name: str = named(own) if own else change.name
    id = "" if name else change.id
    if change.what == "rule":
        name, id = gettext("row %(number)s", number=change.name), ""
    elif change.ends:
        name, id = _way(change, name), ""
    elif change.what == "entry":
        name, id = change.id, ""
    elif change.what == "file":  # its name stands above what changed in it
        name, id = "", ""
    elif change.what == "element" and own and not name:
        name = gettext(own.kind)
    return Told(how=change.how, thing=gettext(THINGS[change.what]), name=name, id=id, details=details)


def _way(change: Change, name: str) -> Markup:
    """A flow by what it connects, which says more than its id, and by its own name where it has one."""
    source, target = (_called(change, id) for id in change.ends)
    if name:
        return Markup(gettext("%(name)s: from “%(source)s” to “%(target)s”")) % {"name": name, "source": source, "target": target}
    return Markup(gettext("from “%(source)s” to “%(target)s”")) % {"source": source, "target": target}


def _called(change: Change, id: str) -> str:
    """By its name; what has none by what it is, its id small beside it, as two gateways may be without."""
    found = change.named.get(id)
    if found is None:
        return id
    if name := named(found):
        return name
    return Markup('{} <small class="id">{}</small>').format(gettext(found.kind), id)


def _worded(change: Change, before: Any, after: Any) -> tuple[Any, Any]:
    """A letter's text as people read it."""
    if change.what != "file" or not change.file.endswith(".html"):
        return before, after
    return wording.both((before or "").encode(), (after or "").encode()) or (before, after)


def _detail(change: Change, setting: str, before: Any, after: Any) -> Detail:
    direction, _, variable = setting.partition(" ")
    if direction == "input" and variable:
        called = gettext("Input %(name)s", name=variable)
    elif direction == "output" and variable:
        called = gettext("Output %(name)s", name=variable)
    else:
        called = gettext(_SETTINGS[setting]) if setting in _SETTINGS else setting
    if setting in REFERENCES:
        before, after = (_called(change, id) if isinstance(id, str) and id else "" for id in (before, after))
        return Detail(setting=called, before=before, after=after)
    if setting == "wf.calendar":
        before, after = (gettext("the office's") if value == OFFICE else value for value in (before, after))
    if setting in times.SETTINGS:
        before, after = (_time(value, calendar) for value, calendar in zip((before, after), change.calendars, strict=True))
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        return Detail(setting="" if change.what == "file" else called, before="", after="", passages=passages.passages(before, after))
    texts = [_text(value) for value in (before, after)]
    if all(texts) and max(map(len, texts)) > _LONG:
        return Detail(setting=called, before="", after="", words=passages.around(*texts))
    return Detail(setting=called, before=_shown(before), after=_shown(after))


def _time(value: Any, calendar: str | None) -> Any:
    """What is no time that can be said stays as it is written."""
    return (isinstance(value, str) and times.said(value, working=calendar is not None)) or value


def _shown(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _text(value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " | ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
