"""统计: what finished cases took, how they ended, what a version changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import render_template, request

from engine.analytics import reports
from engine.analytics.reports import Report, StepFigures, Summary
from engine.rules import Listed

from ..accounts import logged_in, me, services
from ..i18n import gettext, named
from . import charts
from .addresses import analytics, asked
from .wording import span

#: steps in the chart; the table has all
_LONGEST = 12


@analytics.get("/<procedure>")
@logged_in
def show(procedure: str) -> Any:
    wanted = asked(procedure)
    told = reports.report(services(), wanted.scope, wanted.first, wanted.last)
    since = request.args.get("since", "")
    numbers = [version.number for version in wanted.scope.versions]
    since_number = int(since) if since.isdecimal() and len(since) < 7 and int(since) in numbers[:-1] else None
    before = after = None
    if since_number is not None:
        before, after = reports.compare(services(), wanted.scope, since_number, wanted.first, wanted.last)
    listed = wanted.scope.aftermath
    return render_template(
        "analytics.html",
        asked=wanted,
        scope=wanted.scope,
        report=told,
        summary=told.summary,
        way=wanted.way,
        charts=_charts(told, wanted.way),
        since=since_number,
        before=before,
        after=after,
        unlisted=listed.lacking(told.summary.sequels.kinds, [key for key in told.summary.sequels.results if key]) if listed else [],
        pairs=_pairs(before, after, wanted.way, listed.rate if listed and listed.kinds else None) if before and after else (),
        # the newest version last; the first one has nothing before it
        comparable=sorted(numbers)[1:],
        admin=me().holds("admin"),
    )


def _charts(told: Report, way: str) -> dict[str, str]:
    """SVG texts by name; none where nothing was counted."""
    if not told.summary.closed:
        return {}
    months = [month.month for month in told.months]
    labels = [f"{month[2:4]}-{month[5:]}" for month in months]
    closed = charts.columns(
        labels,
        [month.closed for month in told.months],
        title=gettext("Cases closed each month"),
        told=[str(month.closed) for month in told.months],
    )
    medians = [month.times[f"duration_{way}"][0] for month in told.months]
    taken = charts.columns(
        labels,
        [median or 0.0 for median in medians],
        title=gettext("Median cycle time of the cases closed each month"),
        told=[span(median, way) if median is not None else "0" for median in medians],
    )
    return {"closed": closed, "taken": taken, "steps": _steps(told.summary.steps, way)}


def _steps(steps: Sequence[StepFigures], way: str) -> str:
    """The steps that take longest, in the order of the diagram; "" where none takes any time."""
    measure = f"duration_{way}"
    long = sorted((step for step in steps if step.times[measure][0]), key=lambda step: -(step.times[measure][0] or 0.0))[:_LONGEST]
    if not long:
        return ""
    waiting, handling = gettext("Waiting time"), gettext("In hand")
    lines = []
    for step in [step for step in steps if step in long]:
        waits, hands = (step.times[f"{name}_{way}"][0] or 0.0 for name in ("waiting", "handling"))
        parts = [
            charts.Part(value=waits, colour=charts.WAITING, said=f"{waiting} {span(waits, way)}"),
            charts.Part(value=hands, colour=charts.HANDLING, said=f"{handling} {span(hands, way)}"),
        ]
        lines.append(charts.Row(label=named(step), parts=parts, told=span(step.times[f"duration_{way}"][0], way)))
    legend = [(charts.WAITING, waiting), (charts.HANDLING, handling)]
    return charts.rows(lines, title=gettext("Median of waiting and handling at each step"), legend=legend)


def _pairs(before: Summary, after: Summary, way: str, rate: Listed | None) -> list[dict[str, Any]]:
    """Lines of the comparison: name, figure before and after, whether it is a part or a span."""

    def times(name: str, of: Summary) -> float | None:
        return of.times[f"{name}_{way}"][0]

    lines = [
        {"name": gettext("Cycle time, median"), "kind": "span", "pair": [times("duration", of) for of in (before, after)]},
        {"name": gettext("Handling per case, median"), "kind": "span", "pair": [times("handling", of) for of in (before, after)]},
        {"name": gettext("Waiting per case, median"), "kind": "span", "pair": [times("waiting", of) for of in (before, after)]},
        {"name": gettext("Steps done in time"), "kind": "part", "pair": [of.on_time for of in (before, after)]},
        *([{"name": named(rate), "kind": "part", "pair": [of.followed for of in (before, after)]}] if rate else []),
    ]
    earlier = {step.element: step for step in before.steps}
    for step in after.steps:
        if step.done and (same := earlier.get(step.element)) is not None and same.done:
            pair = [each.times[f"duration_{way}"][0] for each in (same, step)]
            lines.append({"name": named(step), "kind": "span", "pair": pair, "step": True})
    return lines
