"""The texts of a diagram: expressions, with the names they may use, and times."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Collection, Iterator

from ... import errors
from ...calendar import OFFICE, Calendar, Calendars
from .. import expressions, names, shapes, timers
from ..codes import Code
from ..findings import Finding, finding
from ..model import Element

_NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
#: names that a finding lists
_MOST = 20
_ORDINARY = Calendars({}, zone="UTC")


def value(element: Element, where: str, text: str, seen: names.Names) -> Iterator[Finding]:
    """A text that is FEEL where it begins with "="."""
    if text.startswith("="):
        yield from feel(element, where, text[1:], seen)


def feel(element: Element, where: str, text: str, seen: names.Names) -> Iterator[Finding]:
    if "${" in text or "#{" in text:
        yield finding(Code.FOREIGN_VOCABULARY, element, attributes=f"{where}: {short(text)}")
        return
    code, severity, wrong = Code.BAD_EXPRESSION, None, expressions.check(text)[:1]
    if not wrong and seen.known is not None:
        code, severity = Code.UNKNOWN_VARIABLE, None if seen.complete else "warning"
        wrong = expressions.check(text, names=seen.known)
    for problem in wrong:
        place, reason = problem.from_ + 1, problem.message.rstrip(".")
        if problem.asked:
            yield finding(Code.NEVER_DEFINED, element, where=where, expression=short(text), position=place, reason=reason)
            continue
        yield finding(code, element, severity=severity, where=where, expression=short(text), position=place, reason=reason)
    if not wrong:
        yield from _below(element, where, text, seen)
    for amount in expressions.money(text):
        yield finding(Code.MONEY_CALCULATED, element, where=where, amount=amount)


def _below(element: Element, where: str, text: str, seen: names.Names) -> Iterator[Finding]:
    """Parts that do not exist, though their variables do."""
    used = expressions.uses(text) if seen.shapes else frozenset[str]()
    known = frozenset(name for name in seen.shapes if name.partition(".")[0] in used)
    if not known:
        return
    heads = {name.partition(".")[0] for name in known}
    for problem in expressions.check(text, names=known | (used - heads)):
        place, reason, there = problem.from_ + 1, problem.message.rstrip("."), beside(text, problem, known)
        yield finding(Code.UNKNOWN_PART, element, where=where, expression=short(text), position=place, reason=reason, known=there)


def beside(text: str, problem: expressions.Problem, known: Collection[str]) -> str:
    """The names that there are in the place of an unknown one, the most alike first; `known`: dotted names."""
    path = [part.strip() for part in text[problem.from_ : problem.to].split(".")]
    tree: shapes.Shape = shapes.dotted(known)
    before = ""
    for part in path:
        if not tree or part not in tree:
            alike = difflib.get_close_matches(part, tree or (), n=3)
            every = [*alike, *sorted(name for name in tree or () if name not in alike)]
            return ", ".join(f"{before}{name}" for name in every[:_MOST]) + (", …" if len(every) > _MOST else "") or "–"
        before, tree = f"{before}{part}.", tree[part]
    return "–"


def short(text: str) -> str:
    """A text on one line, cut where it gets long."""
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"


def due(element: Element, calendars: Calendars | None) -> Iterator[Finding]:
    """The date by which a task is due, where it is no expression."""
    text = element.extensions.get("taskSchedule.dueDate", "=")
    if not text.startswith("="):
        yield from _readable(element, text, timers.moment, _calendar(element, calendars))


def timer(element: Element, seen: names.Names, calendars: Calendars | None) -> Iterator[Finding]:
    """When a timer event fires."""
    assert element.timer is not None
    text = element.timer.text
    if text.startswith("="):
        yield from value(element, "timer", text, seen)
    else:
        read = {"cycle": timers.cycle, "duration": timers.after}.get(element.timer.kind, timers.moment)
        yield from _readable(element, text, read, _calendar(element, calendars))


def _calendar(element: Element, calendars: Calendars | None) -> Calendar | None:
    """The element's calendar; one that is not known here is as good as the ordinary one for reading a duration."""
    name, known = element.properties.get("wf.calendar"), calendars or _ORDINARY
    return known.get(name if name in known.names else OFFICE) if name else None


def _readable(
    element: Element, text: str, read: Callable[[str, dt.datetime, Calendar | None], object], calendar: Calendar | None
) -> Iterator[Finding]:
    try:
        read(text, _NOW, calendar)
    except errors.FeelError as error:
        yield finding(Code.BAD_TIMER, element, text=text, reason=error.facts["reason"])
    except errors.PartwellError as error:
        yield finding(Code.BAD_TIMER, element, text=text, reason=error.message.rstrip("."))
