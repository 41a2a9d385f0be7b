"""The portrait: what the rows of one employee and of the team say, as facts, deviations, thresholds and what is missing.

Pure and exact: the same rows give the same portrait, every figure is computed from rows with `Decimal` and rounded half up to
0.1, and what is not there is named as missing and never guessed. A deviation is a figure for people to weigh: no threshold
decides anything (个人信息保护法 art 24; 最高人民法院指导案例18号: the last place of a ranking is not incompetence).
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from . import portrait_texts as texts

Json = Any
Row = Mapping[str, Any]

#: A team figure is shown from this many members on; of fewer, single colleagues could be recognised (个人信息保护法 art 51).
SMALLEST_TEAM = 5
#: Working days of a week, for rates per week.
WEEK = 5
#: Most days or rows that one sentence about missing data names.
NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What is measured. Figures per `day` and `week` are totals over the days on which the employee has rows."""

    key: str
    name: str
    name_en: str
    unit: str
    unit_en: str
    #: `day`: sum per recorded day; `week`: sum per five recorded days; `value`: mean of the single values
    per: Literal["day", "week", "value"]


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """From where on a figure is pointed out. The limit of exams is the pass mark in the rows themselves."""

    side: Literal["above", "below"]
    limit: Decimal
    source: str
    source_en: str

    def beyond(self, value: Decimal) -> bool:
        """Exactly at the limit is not beyond it."""
        return value > self.limit if self.side == "above" else value < self.limit


#: how a table may say on which side of the limit a figure is pointed out
SIDES: Mapping[str, Literal["above", "below"]] = {"above": "above", "below": "below", "高于": "above", "低于": "below"}

#: What versions point out whose diagrams were drawn before references were a table: they hand over none, and say the same as ever.
FORMER_REFERENCES: Sequence[Mapping[str, Any]] = tuple(
    {"metric": metric, "side": side, "limit": limit, "source": source, "source_en": source_en}
    for metric, side, limit, source, source_en in (
        ("app_usage.social", "above", 60, "本单位参考标准", "the employer's own reference"),
        ("app_usage.video", "above", 60, "本单位参考标准", "the employer's own reference"),
        ("orders", "below", 15, "岗位录用条件", "hiring conditions of the post"),
        ("completion_rate", "below", 60, "本单位参考标准", "the employer's own reference"),
        ("complaints", "above", 1, "岗位录用条件", "hiring conditions of the post"),
    )
)

METRICS: Mapping[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric(key="app_usage.social", name="社交应用使用", name_en="Social applications", unit="分钟", unit_en="min", per="day"),
        Metric(key="app_usage.video", name="视频应用使用", name_en="Video applications", unit="分钟", unit_en="min", per="day"),
        Metric(key="exam_score", name="培训考核成绩", name_en="Training exams", unit="分", unit_en="points", per="value"),
        Metric(key="orders", name="完成工单", name_en="Orders done", unit="单", unit_en="orders", per="day"),
        Metric(key="pieces", name="完成件数", name_en="Pieces made", unit="件", unit_en="pieces", per="day"),
        Metric(key="tasks", name="完成任务", name_en="Tasks done", unit="项", unit_en="tasks", per="day"),
        Metric(key="completion_rate", name="工作任务完成率", name_en="Completion rate", unit="%", unit_en="%", per="value"),
        Metric(key="complaints", name="客户投诉", name_en="Customer complaints", unit="次", unit_en="complaints", per="week"),
        Metric(key="defects", name="不合格件", name_en="Defects", unit="件", unit_en="defects", per="week"),
        Metric(key="bugs", name="缺陷", name_en="Bugs", unit="个", unit_en="bugs", per="week"),
    )
}


def compute(
    employee: Mapping[str, Any] | None,
    app_usage: Mapping[str, Any] | None,
    training: Mapping[str, Any] | None,
    performance: Mapping[str, Any] | None,
    *,
    window: Mapping[str, str],
    references: Sequence[Mapping[str, Any]] | None = FORMER_REFERENCES,
) -> dict[str, Json]:
    """The portrait as JSON, well under 16 kB.

    The first four are the values of `ehr.employee`, `ehr.app_usage`, `ehr.training` and `ehr.performance`; any of them may be
    empty or None. `window`: days `from` and `to` inclusive for usage and performance, and optionally `trend_from` and
    `training_from`, the first days of the usage chart and of the exams. `references`: what the employer points out, as the rows
    that a decision table of the procedure gives: `metric` (a key or a name of METRICS, or of the rows), `side` (of SIDES), `limit`,
    `source`, `source_en`; the first of a metric counts. Empty or None: only exams are pointed out. ValueError for rows that say it
    otherwise.

    Gives `metrics` (see `_metric`), `exams`, `monitoring`, `missing`, `sentences` (lists), and as one text each `text` (all
    sentences), `beyond_text` (those of metrics beyond their threshold) and `evidence_text` (the sources with their rows). The
    texts are Chinese; the same names with `_en` hold the English ones.
    """
    record, usage, exams, work = (dict(given or {}) for given in (employee, app_usage, training, performance))
    whom = str(record.get("employee") or next((g["employee"] for g in (usage, exams, work) if g.get("employee")), ""))
    days = _Days(window["from"], window["to"], str(record.get("hired_on") or ""))
    monitoring, allowed_from = _monitoring(record, window["to"])
    thresholds = _thresholds(references or ())
    missing = [*_gaps("ehr.employee", record, employee is None, whom)]

    metrics: list[dict[str, Json]] = []
    usage_rows = [{**row, "key": f"app_usage.{row.get('category')}"} for row in _rows(usage, "category")]
    if allowed_from is None:
        missing.append(texts.NO_MONITORING_NOTICE)
    else:
        missing += _gaps("ehr.app_usage", usage, app_usage is None, whom)
        if allowed_from > days.first:
            missing.append(texts.monitored_since(allowed_from))
        lawful = [row for row in usage_rows if row["date"] >= allowed_from]
        missing += _silent_days("ehr.app_usage", lawful, whom, _Days(max(days.first, allowed_from), days.last, days.hired))
        trend = _Days(window.get("trend_from", days.first), days.last, days.hired)
        metrics += [_metric(key, lawful, whom, days, thresholds.get(key), trend) for key in _keys(lawful, whom, days)]

    exam_days = _Days(window.get("training_from", days.first), days.last, days.hired)
    exam_rows = [{**row, "key": "exam_score"} for row in _rows(exams, "course") if exam_days.holds(row["date"])]
    missing += _gaps("ehr.training", exams, training is None, whom)
    own_exams = sorted((row for row in exam_rows if row["employee"] == whom), key=lambda row: (row["date"], row["course"]))
    if own_exams:
        metrics.append(_metric("exam_score", exam_rows, whom, exam_days, None))

    work_rows = [{**row, "key": row["metric"]} for row in _rows(work, "metric")]
    missing += _gaps("ehr.performance", work, performance is None, whom)
    if work_rows:
        missing += _silent_days("ehr.performance", work_rows, whom, days)
    metrics += [_metric(key, work_rows, whom, days, thresholds.get(key)) for key in _keys(work_rows, whom, days)]

    taken = [_exam(row) for row in own_exams]
    said = [texts.exams(metric, taken) if metric["key"] == "exam_score" else texts.metric(metric) for metric in metrics]
    said = said or [texts.NOTHING]
    sources = [
        texts.source(operation, first, days.last, count)
        for operation, first, count in (
            ("ehr.app_usage", days.first, _count(usage_rows, whom, days) if allowed_from is not None else 0),
            ("ehr.training", exam_days.first, len(own_exams)),
            ("ehr.performance", days.first, _count(work_rows, whom, days)),
        )
        if count
    ]
    return {
        "employee": whom,
        "window": dict(window),
        "monitoring": monitoring,
        "metrics": metrics,
        "exams": taken,
        "missing": [zh for zh, _ in missing],
        "missing_en": [en for _, en in missing],
        "sentences": [zh for zh, _ in said],
        "sentences_en": [en for _, en in said],
        "text": "\n".join(zh for zh, _ in said),
        "text_en": "\n".join(en for _, en in said),
        "beyond_text": "\n".join(zh for (zh, _), metric in zip(said, metrics, strict=False) if metric["beyond"]),
        "beyond_text_en": "\n".join(en for (_, en), metric in zip(said, metrics, strict=False) if metric["beyond"]),
        "evidence_text": "\n".join(zh for zh, _ in sources),
        "evidence_text_en": "\n".join(en for _, en in sources),
    }


def _thresholds(references: Sequence[Mapping[str, Any]]) -> dict[str, Threshold]:
    found: dict[str, Threshold] = {}
    called = {name: metric.key for metric in METRICS.values() for name in (metric.name, metric.name_en)}
    for row in references:
        limit, side = row["limit"], SIDES.get(row["side"])
        if side is None or isinstance(limit, bool) or not isinstance(limit, (int, float)):
            raise ValueError(f"a reference is above or below a number, not {row['side']} {limit}")
        said = {name: str(row.get(name) or "") for name in ("source", "source_en")}
        found.setdefault(called.get(row["metric"], row["metric"]), Threshold(side=side, limit=Decimal(str(limit)), **said))
    return found


@dataclass(frozen=True)
class _Days:
    """ISO days from `first` to `last`, both included, none before the employee was hired."""

    first: str
    last: str
    hired: str = ""

    def holds(self, day: str) -> bool:
        return max(self.first, self.hired) <= day <= self.last

    def working(self) -> list[str]:
        """Mondays to Fridays."""
        day, last = dt.date.fromisoformat(max(self.first, self.hired)), dt.date.fromisoformat(self.last)
        found = []
        while day <= last:
            if day.weekday() < 5:
                found.append(day.isoformat())
            day += dt.timedelta(days=1)
        return found


def _rows(given: Mapping[str, Any], distinguished_by: str) -> list[dict[str, Any]]:
    """The rows that can be computed with, values as Decimal."""
    return [
        {**row, "value": Decimal(str(row["value"]))}
        for row in given.get("rows") or ()
        if isinstance(row.get("value"), (int, float))
        and not isinstance(row["value"], bool)
        and all(isinstance(row.get(name), str) for name in ("employee", "date", distinguished_by))
    ]


def _keys(rows: Iterable[Row], whom: str, days: _Days) -> list[str]:
    """The metrics of which the employee has rows, known ones first and in their order."""
    found = {row["key"] for row in rows if row["employee"] == whom and days.holds(row["date"])}
    return [key for key in METRICS if key in found] + sorted(found - METRICS.keys())


def _metric(
    key: str, rows: Sequence[Row], whom: str, days: _Days, threshold: Threshold | None, trend: _Days | None = None
) -> dict[str, Json]:
    """One metric of the employee beside the team without the employee.

    `baseline` is None for a team smaller than SMALLEST_TEAM, else mean and median of the members' own figures; `difference` and
    `ratio` (None where the mean is 0) compare with the mean. `beyond` is None without a threshold. `series` is for the chart.
    """
    what = METRICS.get(key) or Metric(key=key, name=key, name_en=key, unit=_unit(key, rows), unit_en=_unit(key, rows), per="day")
    inside = [row for row in rows if days.holds(row["date"])]
    own = _figure(what, inside, whom)
    members = sorted({row["employee"] for row in inside if row["employee"] != whom})
    figures = [_figure(what, inside, member) for member in members]
    mean = sum(figures, Decimal(0)) / len(figures) if len(figures) >= SMALLEST_TEAM else None
    mine = [row for row in inside if row["employee"] == whom and row["key"] == key]
    if key == "exam_score" and all("pass_mark" in row for row in mine):
        mark = {"source": "考核规定的及格线", "source_en": "pass mark of the exam"}
        threshold = Threshold(side="below", limit=max(Decimal(str(row["pass_mark"])) for row in mine), **mark)
    counts = [Decimal(str(row["count"])) for row in mine if isinstance(row.get("count"), (int, float))]
    recorded = {row["date"] for row in inside if row["employee"] == whom}
    return {
        "key": key,
        "name": what.name,
        "name_en": what.name_en,
        "unit": what.unit,
        "unit_en": what.unit_en,
        "per": what.per,
        "from": max(days.first, days.hired),
        "to": days.last,
        "days": len(recorded),
        "value": _tenth(own),
        "count": _tenth(sum(counts, Decimal(0)) / len(recorded)) if counts and what.per == "day" else None,
        "baseline": None if mean is None else {"mean": _tenth(mean), "median": _tenth(statistics.median(figures)), "members": len(figures)},
        "difference": None if mean is None else _tenth(own - mean),
        "ratio": _tenth(own / mean) if mean else None,
        "threshold": None
        if threshold is None
        else {
            "side": threshold.side,
            "limit": _tenth(threshold.limit),
            "source": threshold.source,
            "source_en": threshold.source_en,
        },
        "beyond": None if threshold is None else threshold.beyond(own),
        "series": _series(what, rows, whom, trend or days),
    }


def _figure(what: Metric, rows: Sequence[Row], employee: str) -> Decimal:
    """The employee's own figure. For sums, a recorded day without a row of this key counts as 0."""
    own = [row for row in rows if row["employee"] == employee]
    values = [row["value"] for row in own if row["key"] == what.key]
    total = sum(values, Decimal(0))
    if what.per == "value":
        return total / len(values) if values else Decimal(0)
    per_day = total / len({row["date"] for row in own})
    return per_day * WEEK if what.per == "week" else per_day


def _series(what: Metric, rows: Sequence[Row], whom: str, days: _Days) -> dict[str, Json]:
    """Day by day: the employee's value and the mean of the members who have rows that day; None where there is none."""
    by_day: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        if row["key"] == what.key and days.holds(row["date"]):
            values = by_day.setdefault(row["date"], {})
            values[row["employee"]] = values.get(row["employee"], Decimal(0)) + row["value"]
    own, team = [], []
    for day in sorted(by_day):
        others = [value for employee, value in by_day[day].items() if employee != whom]
        own.append(_tenth(by_day[day][whom]) if whom in by_day[day] else None)
        team.append(_tenth(sum(others, Decimal(0)) / len(others)) if len(others) >= SMALLEST_TEAM else None)
    return {"days": sorted(by_day), "own": own, "team": team}


def _exam(row: Row) -> dict[str, Json]:
    mark = row.get("pass_mark")
    return {
        "date": row["date"],
        "course": row["course"],
        "score": _tenth(row["value"]),
        "pass_mark": mark,
        "passed": None if mark is None else row["value"] >= Decimal(str(mark)),
        "remark": row.get("remark"),
    }


def _monitoring(record: Mapping[str, Any], last: str) -> tuple[dict[str, Json], str | None]:
    """What is known of the notice of monitoring, and the day from which usage data may be used (PIPL arts 7, 17); None: never."""
    notice = record.get("monitoring_notice") or {}
    acknowledged = notice.get("acknowledged_on")
    usable = isinstance(acknowledged, str) and acknowledged <= last
    return {"acknowledged_on": acknowledged, "version": notice.get("version"), "usable": usable}, acknowledged if usable else None


def _gaps(operation: str, given: Mapping[str, Any], absent: bool, whom: str) -> list[texts.Both]:
    """What the connector said is missing, grouped by kind; rows of colleagues are counted, not named."""
    if absent or not given:
        return [texts.not_fetched(operation)]
    places: dict[str, list[str]] = {}
    for entry in given.get("missing") or ():
        code, _, place = str(entry).partition(":")
        places.setdefault(code, []).append(place)
    return [
        texts.gap(operation, code, len(found), [place for place in found if whom and whom in place][:NAMED])
        for code, found in places.items()
    ]


def _silent_days(operation: str, rows: Iterable[Row], whom: str, days: _Days) -> list[texts.Both]:
    recorded = {row["date"] for row in rows if row["employee"] == whom}
    silent = [day for day in days.working() if day not in recorded] if recorded else []
    return [texts.silent_days(operation, silent, NAMED)] if silent else []


def _count(rows: Iterable[Row], whom: str, days: _Days) -> int:
    return sum(row["employee"] == whom and days.holds(row["date"]) for row in rows)


def _unit(key: str, rows: Iterable[Row]) -> str:
    return str(next((row.get("unit") for row in rows if row["key"] == key and row.get("unit")), ""))


def _tenth(value: Decimal) -> int | float:
    """Rounded half up to 0.1, as a JSON number."""
    rounded = value.quantize(Decimal("0.1"), ROUND_HALF_UP)
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)
