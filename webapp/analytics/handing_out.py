"""The figures as files: CSV that Excel opens in Chinese, and an event log (XES)."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flask import Response, request, stream_with_context
from werkzeug.http import dump_options_header

from engine.analytics import exports, reports
from engine.analytics.counting import MEASURES

from ..accounts import logged_in, services
from ..events import OUTCOMES
from ..i18n import N_, gettext, named, zone
from ..text import called
from .addresses import Asked, analytics, asked

#: what a table calculation would take for a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MEASURED = {
    "duration": N_("Duration"),
    "waiting": N_("Waiting time"),
    "handling": N_("In hand"),
}


@analytics.get("/<procedure>/steps.csv")
@logged_in
def steps(procedure: str) -> Response:
    """One line for each element; spans in hours."""
    wanted = asked(procedure)
    told = reports.report(services(), wanted.scope, wanted.first, wanted.last)
    ways = {"wall": gettext("elapsed"), "work": gettext("working time")}
    heads = [
        gettext("Step"),
        gettext("Element"),
        gettext("Times done"),
        gettext("Left undone"),
        gettext("With a time limit"),
        gettext("In time"),
    ]
    for measure in MEASURES:
        name, _, way = measure.partition("_")
        for kind in (gettext("median"), gettext("90th percentile")):
            heads.append(f"{gettext(_MEASURED[name])} ({ways[way]}, {kind}, h)")
    lines = [
        [named(step), step.element, step.done, step.left, step.limited, step.kept]
        + [_hours(span) for measure in MEASURES for span in step.times[measure]]
        for step in told.summary.steps
    ]
    return _csv(f"{procedure}-steps.csv", heads, lines)


@analytics.route("/<procedure>/cases.csv", methods=["GET", "POST"])
@logged_in
def cases(procedure: str) -> Response:
    """One line for each finished case; with names only by a form that an administrator sends."""
    wanted = asked(procedure)
    out = _export(wanted)
    listed = out.scope.aftermath
    kinds = listed.kinds if listed else {}
    heads = [
        *(gettext("Number"), gettext("Version"), gettext("Started"), gettext("Closed"), gettext("Outcome"), gettext("Void")),
        *(gettext("Employee's department"), gettext("Employee number") if out.named else gettext("Employee (pseudonym)")),
        *([gettext("Name")] if out.named else []),
        *(gettext("Cycle time (h)"), gettext("Cycle time (working h)")),
        *([named(listed) or gettext("What came after the case")] if listed else []),
    ]

    def lines() -> Iterator[Sequence[Any]]:
        for case in exports.lines(services(), out):
            moments = [f"{at.astimezone(zone()):%Y-%m-%d %H:%M}" for at in (case.started_at, case.closed_at)]
            sequels = gettext(", ").join(named(kinds.get(kind)) or kind for kind in case.sequels)
            yield [
                *(case.number, case.version, *moments, called(OUTCOMES, case.outcome), gettext("yes") if case.void else ""),
                *(case.department_name, case.employee, *([case.employee_name] if out.named else [])),
                *(_hours(case.duration), _hours(case.duration_work)),
                *([sequels] if listed else []),
            ]

    return _csv(f"{procedure}-cases.csv", heads, lines())


@analytics.route("/<procedure>/log.xes", methods=["GET", "POST"])
@logged_in
def log(procedure: str) -> Response:
    """The event log of the finished cases."""
    out = _export(asked(procedure))
    return _file(f"{procedure}.xes", "application/xml", exports.xes(services(), out))


def _export(wanted: Asked) -> exports.Export:
    named = request.method == "POST" and request.form.get("names") == "1"
    return exports.export(services(), wanted.scope, wanted.first, wanted.last, named=named)


def _hours(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 3600:.2f}"


def _csv(name: str, heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> Response:
    def written() -> Iterator[str]:
        yield "\ufeff"  # by which Excel knows the encoding
        for line in itertools.chain([heads], lines):
            row = io.StringIO()
            csv.writer(row).writerow([_plain(cell) for cell in line])
            yield row.getvalue()

    return _file(name, "text/csv", written())


def _plain(cell: Any) -> Any:
    """A text that no table calculation takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _file(name: str, media_type: str, pieces: Iterator[str]) -> Response:
    answer = Response(stream_with_context(pieces), mimetype=media_type)
    answer.headers["Content-Type"] = f"{media_type}; charset=utf-8"
    answer.headers["Content-Disposition"] = dump_options_header("attachment", {"filename": name})
    return answer
