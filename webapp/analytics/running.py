"""在办事项: the diagram with how many cases stand where, how long steps take, and what is wrong; the cases behind each figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for

from engine.analytics import reports, scope, searching, standing
from engine.bpmn import render
from engine.bpmn.badges import Badge
from engine.returns import STEPS

from ..accounts import logged_in, services
from ..i18n import N_, current, gettext, named, ngettext
from .addresses import Asked, asked, operations
from .wording import span

#: what the diagram shows -> what the switch says
SHOWN = {
    "running": N_("Running cases"),
    "duration": N_("Duration"),
    "waiting": N_("Waiting time"),
    "incidents": N_("Incidents"),
}
#: shades of the heat map
_SHADES = 5


@operations.get("/<procedure>")
@logged_in
def show(procedure: str) -> Any:
    return page(procedure)


def page(procedure: str, **acting: Any) -> str:
    """The page as its address asks for it; `acting`: what a form on it was sent with, and what was wrong."""
    wanted = asked(procedure)
    shown = request.values.get("show", "running")
    shown = shown if shown in SHOWN else "running"
    at = standing.standing(services(), wanted.scope)
    steps, missing = [], 0
    if shown in ("duration", "waiting"):
        told = reports.report(services(), wanted.scope, wanted.first, wanted.last)
        steps, missing = list(told.summary.steps), told.missing
    element, name, value = (request.values.get(key, "").strip() for key in ("element", "variable", "value"))
    link = {"procedure": procedure, **wanted.address(show=shown)}
    badges = _times(steps, shown, wanted, link) if shown in ("duration", "waiting") else _counts(at, shown, link)
    found = searching.search(services(), wanted.scope, name, value) if name else None
    cases, total = (
        (found.cases, len(found.cases)) if found else standing.cases_at(services(), wanted.scope, element) if element else ([], 0)
    )
    chosen = scope.element_of(services(), wanted.scope, element) if element else None
    return render_template(
        "operations_show.html",
        asked=wanted,
        scope=wanted.scope,
        shown=shown,
        shades=SHOWN,
        link=link,
        diagram=_drawing(wanted, badges),
        standing=at.values() if shown == "running" else [each for each in at.values() if each.incidents],
        steps=steps,
        missing=missing,
        measure=f"{'waiting' if shown == 'waiting' else 'duration'}_{wanted.way}",
        element=element,
        chosen={"name": chosen.title, "name_en": chosen.name_en} if chosen else {"name": element, "name_en": ""},
        variable=name,
        value=value,
        found=found,
        cases=cases,
        total=total,
        targets=[e for e in wanted.scope.drawn.program.process.elements.values() if e.kind in STEPS],
        **{"typed": request.form, "faults": {}, **acting},
    )


def _drawing(wanted: Asked, badges: Mapping[str, Badge]) -> str:
    files = wanted.scope.drawn.files
    source = files.get(wanted.scope.drawn.program.process.file)
    return render.svg(source, badges=badges, locale=current()) if source else ""


def _counts(at: Mapping[str, standing.AtElement], shown: str, link: Mapping[str, Any]) -> dict[str, Badge]:
    """How many cases stand at each element, or have an incident there."""
    numbers = {key: each.incidents if shown == "incidents" else each.cases for key, each in at.items()}
    most = max(numbers.values(), default=0)
    found = {}
    for key, number in numbers.items():
        if number:
            said = ngettext("%(num)s case", "%(num)s cases", number)
            if at[key].incidents:
                said += gettext(", ") + ngettext("%(num)s incident", "%(num)s incidents", at[key].incidents)
            found[key] = Badge(
                text=str(number),
                said=f"{named(at[key])}{gettext(': ')}{said}",
                heat=_shade(number, most),
                alarm=bool(at[key].incidents),
                link=url_for("operations.show", element=key, **link) + "#cases",
            )
    return found


def _times(steps: list[reports.StepFigures], shown: str, wanted: Asked, link: Mapping[str, Any]) -> dict[str, Badge]:
    """The median of each element, and its shade against the longest."""
    measure = f"{shown}_{wanted.way}"
    medians = {step.element: step.times[measure][0] for step in steps if step.done}
    most = max((median for median in medians.values() if median), default=0.0)
    found = {}
    for step in steps:
        median = medians.get(step.element)
        if median is not None:
            text = span(median, wanted.way)
            said = gettext("%(name)s: median %(median)s, %(count)s times", name=named(step), median=text, count=step.done)
            address = url_for("operations.show", element=step.element, **link) + "#cases"
            found[step.element] = Badge(text=text, said=said, heat=_shade(median, most), link=address)
    return found


def _shade(value: float, most: float) -> int:
    return 1 + min(_SHADES - 1, int(_SHADES * value / most)) if most and value else 0
