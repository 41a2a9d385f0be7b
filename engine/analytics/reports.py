"""How long the cases of a procedure take, how they end, and what a new version changed: figures over finished cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..models import Case, Department, Sequel
from ..people import directory
from . import tallies
from .counting import MEASURES, AtElement, Figures, OfCases
from .scope import Scope, element_of
from .spread import Spread, quantile
from .standing import order

if TYPE_CHECKING:
    from ..services import Services

#: (median, 90th percentile) in seconds, None where nothing was counted; by measure
Times = Mapping[str, tuple[float | None, float | None]]


@dataclass(frozen=True, kw_only=True)
class StepFigures:
    """One element over many cases."""

    element: str
    name: str
    name_en: str
    kind: str
    done: int
    left: int
    limited: int
    kept: int
    times: Times


@dataclass(frozen=True, kw_only=True)
class Sequels:
    """What came of finished cases, as far as managers recorded it."""

    #: cases of which something came, of whatever kind; and those with a kind that counts
    cases: int
    counted: int
    kinds: Mapping[str, int]
    #: by result; "" of those that go on
    results: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Some finished cases in a few figures."""

    closed: int
    void: int
    outcomes: Mapping[str, int]
    times: Times
    #: of all steps that had a time limit, how many kept it
    limited: int
    kept: int
    sequels: Sequels
    steps: Sequence[StepFigures]

    @property
    def on_time(self) -> float | None:
        """The part of the steps with a time limit that kept it."""
        return self.kept / self.limited if self.limited else None

    @property
    def followed(self) -> float | None:
        """The part of the cases of which something came that counts."""
        return self.sequels.counted / self.closed if self.closed else None


@dataclass(frozen=True, kw_only=True)
class Month:
    """`month`: such as `2026-11`. `started`: of the cases that have closed since."""

    month: str
    started: int
    closed: int
    times: Times
    limited: int
    kept: int


@dataclass(frozen=True, kw_only=True)
class OfDepartment:
    id: str
    #: empty where the employee had none
    name: str
    name_en: str
    closed: int
    outcomes: Mapping[str, int]
    times: Times


@dataclass(frozen=True, kw_only=True)
class Report:
    first: dt.date
    last: dt.date
    summary: Summary
    months: Sequence[Month]
    departments: Sequence[OfDepartment]
    #: finished cases on days that are still to be counted
    missing: int


def report(services: Services, scope: Scope, first: dt.date, last: dt.date) -> Report:
    """The cases of the chosen versions that closed from one day to another. Raises CalendarEnds, CalendarUnknown."""
    kept = tallies.read(services, scope.ids, first, last)
    figures = kept.together()
    with services.database.reading() as connection:
        names = {row.id: row for row in connection.execute(sa.select(Department.id, Department.name, Department.name_en))}
        sequels = sequels_of(connection, scope, scope.ids, first, last)
    months: dict[str, Figures] = {}
    for (month, _), of in kept.months.items():
        months.setdefault(month, Figures()).add(of)
    departments = [
        OfDepartment(
            id=key,
            name=names[key].name if key in names else key,
            name_en=names[key].name_en if key in names else key,
            closed=of.closed,
            outcomes=of.outcomes,
            times=times(of.spreads),
        )
        for key, of in figures.departments.items()
    ]
    return Report(
        first=first,
        last=last,
        summary=_summary(services, scope, figures, sequels),
        months=[_month(month, months.get(month, Figures()), figures.started) for month in _months(first, last)],
        departments=sorted(departments, key=lambda each: (-each.closed, each.name)),
        missing=kept.missing,
    )


def compare(services: Services, scope: Scope, number: int, first: dt.date, last: dt.date) -> tuple[Summary, Summary]:
    """Before and since a version: the cases that closed on earlier versions, and those on it or later ones. Raises as `report`."""
    found = []
    for ids in ([v.id for v in scope.versions if v.number < number], [v.id for v in scope.versions if v.number >= number]):
        figures = tallies.read(services, ids, first, last).together() if ids else Figures()
        with services.database.reading() as connection:
            sequels = sequels_of(connection, scope, ids, first, last)
        found.append(_summary(services, scope, figures, sequels))
    return found[0], found[1]


def sequels_of(connection: sa.Connection, scope: Scope, versions: Sequence[str], first: dt.date, last: dt.date) -> Sequels:
    """What came of the cases of these versions that closed from one day to another."""
    begins, ends = directory.midnight(first), directory.midnight(last + dt.timedelta(days=1))
    select = sa.select(Sequel.case_id, Sequel.kind, Sequel.result).join(Case, Case.id == Sequel.case_id)
    rows = connection.execute(select.where(Case.version_id.in_(versions), Case.closed_at >= begins, Case.closed_at < ends)).all()
    kinds: dict[str, int] = {}
    results: dict[str, int] = {}
    for row in rows:
        kinds[row.kind] = kinds.get(row.kind, 0) + 1
        results[row.result or ""] = results.get(row.result or "", 0) + 1
    counting = {key for key, kind in scope.aftermath.kinds.items() if kind.counts} if scope.aftermath else set()
    counted = {row.case_id for row in rows if row.kind in counting}
    return Sequels(cases=len({row.case_id for row in rows}), counted=len(counted), kinds=kinds, results=results)


def times(spreads: Mapping[str, Spread]) -> Times:
    """Median and 90th percentile of each measure."""
    return {name: (quantile(spreads.get(name, 0), 0.5), quantile(spreads.get(name, 0), 0.9)) for name in MEASURES}


def _summary(services: Services, scope: Scope, figures: Figures, sequels: Sequels) -> Summary:
    cases: OfCases = figures.cases
    keys = sorted(figures.elements, key=lambda key: order(scope, key))
    return Summary(
        closed=cases.closed,
        void=cases.void,
        outcomes=dict(sorted(cases.outcomes.items(), key=lambda pair: (-pair[1], pair[0]))),
        times=times(cases.spreads),
        limited=sum(each.limited for each in figures.elements.values()),
        kept=sum(each.kept for each in figures.elements.values()),
        sequels=sequels,
        steps=[_step(services, scope, key, figures.elements[key]) for key in keys],
    )


def _step(services: Services, scope: Scope, key: str, of: AtElement) -> StepFigures:
    element = element_of(services, scope, key)
    name = element.title if element else key
    return StepFigures(
        element=key,
        name=name,
        name_en=(element.name_en if element else "") or name,
        kind=element.kind if element else "",
        done=of.done,
        left=of.left,
        limited=of.limited,
        kept=of.kept,
        times=times(of.spreads),
    )


def _month(month: str, of: Figures, started: Mapping[str, int]) -> Month:
    cases = of.cases
    return Month(
        month=month,
        started=started.get(month, 0),
        closed=cases.closed,
        times=times(cases.spreads),
        limited=sum(each.limited for each in of.elements.values()),
        kept=sum(each.kept for each in of.elements.values()),
    )


def _months(first: dt.date, last: dt.date) -> list[str]:
    found, month = [], first.replace(day=1)
    while month <= last:
        found.append(f"{month:%Y-%m}")
        month = (month + dt.timedelta(days=32)).replace(day=1)
    return found
