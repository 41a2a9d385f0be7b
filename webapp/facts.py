"""What a case knows, as panels beside a form: the law check and the portrait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from processes.rules import charts

from .i18n import N_, current, gettext

#: charts that are open at first; the others are one tap away
_CHARTS = 2


@dataclass(kw_only=True)
class Panel:
    """One block of facts."""

    #: anchor in the page
    id: str
    icon: str
    title: str
    #: a short verdict beside the title, and its colour
    badge: str = ""
    tone: str = "grey"
    #: sentences
    lines: list[str] = field(default_factory=list)
    #: sentences that stand behind the figures, shown on demand
    more_lines: list[str] = field(default_factory=list)
    #: numbers with the team's beside them
    figures: list[Mapping[str, Any]] = field(default_factory=list)
    #: exams: {date, course, score, pass_mark, passed, remark}
    exams: Sequence[Mapping[str, Any]] = ()
    #: SVG texts: those that matter first, and those shown on demand
    charts: list[str] = field(default_factory=list)
    more_charts: list[str] = field(default_factory=list)
    #: what could not be had
    missing: list[str] = field(default_factory=list)


#: what the law check says, and its colour
LAW = {
    "allowed": (N_("Allowed"), "green"),
    "blocked": (N_("Blocked by law"), "red"),
    "needs_steps": (N_("Steps are missing"), "amber"),
}


def panels(known: Mapping[str, Any]) -> list[Panel]:
    """Panels for whatever of it the case knows by now; another procedure's variables simply give none."""
    return [panel for panel in (_law(known.get("law")), _portrait(known.get("portrait"))) if panel]


def _portrait(portrait: Any) -> Panel | None:
    if not isinstance(portrait, Mapping):
        return None
    metrics = sorted(portrait.get("metrics") or (), key=lambda metric: not metric.get("beyond"))
    # a sentence about what lies beyond a threshold stands before the others
    beyond = str(_own(portrait, "beyond_text") or "")
    panel = Panel(
        id="portrait",
        icon="chart-line",
        title=gettext("Portrait"),
        figures=[_figure(metric) for metric in metrics],
        more_lines=sorted(texts(_own(portrait, "sentences")), key=lambda line: line not in beyond),
        exams=portrait.get("exams") or (),
        missing=texts(_own(portrait, "missing")),
    )
    drawn = _charts(portrait, [metric["key"].replace(".", "_") for metric in metrics])
    panel.charts, panel.more_charts = drawn[:_CHARTS], drawn[_CHARTS:]
    return panel


def _charts(portrait: Mapping[str, Any], order: Sequence[str]) -> list[str]:
    """Charts in the order of the metrics, any others after them."""
    drawn = charts.of_portrait(portrait, locale=current()) if portrait.get("metrics") else {}
    return [drawn.pop(name) for name in order if name in drawn] + list(drawn.values())


def _law(law: Any) -> Panel | None:
    if not isinstance(law, Mapping) or "outcome" not in law:
        return None
    name, tone = LAW.get(str(law["outcome"]), (str(law["outcome"]), "grey"))
    panel = Panel(id="law", icon="scale", title=gettext("Law check"), badge=gettext(name), tone=tone)
    panel.lines = texts(_own(law, "reason"))
    if isinstance(ground := law.get("ground"), Mapping):
        panel.lines += [gettext("Ground: %(text)s", text=line) for line in texts(ground)]
    panel.lines += [gettext("Article: %(text)s", text=line) for line in texts(law.get("articles"))]
    panel.lines += [gettext("Still to do: %(text)s", text=line) for line in texts(law.get("steps_named"))]
    return panel


def _own(holder: Mapping[str, Any], name: str) -> Any:
    """The value in the reader's language: `name_en` or `name["en"]` where there is one."""
    english = current() == "en"
    value = holder.get(f"{name}_en") if english and holder.get(f"{name}_en") else holder.get(name)
    if isinstance(value, Mapping) and {"zh", "en"} & value.keys():
        return value.get("en" if english else "zh") or value.get("zh")
    return value


def texts(value: Any) -> list[str]:
    """Whatever was given, as sentences: texts, lists of them, or objects with a text or name."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, Mapping):
        for key in ("text", "sentence", "name", "zh"):
            if said := texts(_own(value, key)):
                return said
        return []
    if isinstance(value, Sequence):
        return [line for each in value for line in texts(each)]
    return []


#: how a figure's unit goes on
_PER = {"day": N_("%(unit)s a day"), "week": N_("%(unit)s a week")}
#: from this ratio on a figure is told as a multiple of the team's, below as a part of it
_MULTIPLE = 1.5


def _figure(metric: Mapping[str, Any]) -> Mapping[str, Any]:
    """A metric's own figure, the team's and the threshold, in words; `flagged` beyond the threshold. Minutes are told in hours."""
    unit, scale = _own(metric, "unit") or "", Decimal(1)
    if metric.get("unit_en") == "min":
        unit, scale = gettext("h"), Decimal(60)
    if rate := _PER.get(metric.get("per", "")):
        unit = gettext(rate, unit=unit)
    beside = []
    if baseline := metric.get("baseline"):
        beside.append(gettext("team %(mean)s", mean=_number(baseline["mean"], scale)))
        if ratio := metric.get("ratio"):
            multiple, part = gettext("%(times)s times the team's"), gettext("%(percent)s%% of the team's")
            times = multiple % {"times": _number(ratio)} if ratio >= _MULTIPLE else part % {"percent": round(ratio * 100)}
            beside.append(times if ratio != 1 else gettext("as the team"))
    if threshold := metric.get("threshold"):
        sign = gettext("at most %(limit)s") if threshold["side"] == "above" else gettext("at least %(limit)s")
        beside.append(sign % {"limit": _number(threshold["limit"], scale)})
    return {
        "name": _own(metric, "name"),
        "value": _number(metric["value"], scale),
        "unit": unit,
        "beside": beside,
        "flagged": bool(metric.get("beyond")),
    }


def _number(value: float | int, scale: Decimal = Decimal(1)) -> str:
    """At most one decimal, rounded half up; none where it is 0."""
    return f"{(Decimal(str(value)) / scale).quantize(Decimal('0.1'), ROUND_HALF_UP).normalize():f}"
