"""What a case knows, as panels beside a form: the portrait, the law check, the plan and the decisions so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from processes.rules import charts

from .i18n import N_, current, gettext


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
    #: numbers with the team's beside them
    figures: list[Mapping[str, Any]] = field(default_factory=list)
    #: SVG texts
    charts: list[str] = field(default_factory=list)
    #: those of figures within their thresholds, shown on demand
    more_charts: list[str] = field(default_factory=list)
    #: what could not be had
    missing: list[str] = field(default_factory=list)
    #: long text
    text: str = ""


_LAW = {
    "allowed": (N_("Allowed"), "green"),
    "blocked": (N_("Blocked by law"), "red"),
    "needs_steps": (N_("Steps are missing"), "amber"),
}
_DECISIONS = (
    ("approval", N_("Approval")),
    ("legal", N_("Legal review")),
    ("union", N_("Union")),
)
#: keys of words about one decision, in the order in which they are shown
_SAID = ("opinion", "comment", "reasons", "reason")
#: answers that a form keeps as a code
_CODES = {
    "no_objection": N_("No objection"),
    "objection": N_("Objection"),
    "approve": N_("Approved"),
    "return": N_("Returned"),
    "reject": N_("Rejected"),
}


def panels(known: Mapping[str, Any]) -> list[Panel]:
    """Panels for whatever of it the case knows by now; another procedure's variables simply give none."""
    made = (_law(known.get("law")), *_decisions(known), _portrait(known.get("portrait")), _plan(known.get("plan")))
    return [panel for panel in made if panel]


def _portrait(portrait: Any) -> Panel | None:
    if not isinstance(portrait, Mapping):
        return None
    panel = Panel(
        id="portrait",
        icon="chart-line",
        title=gettext("Portrait"),
        lines=texts(_own(portrait, "sentences")),
        figures=_figures(portrait.get("metrics")),
        missing=texts(_own(portrait, "missing")),
    )
    if portrait.get("metrics"):
        beyond = {metric["key"].replace(".", "_") for metric in portrait["metrics"] if metric.get("beyond")}
        for name, svg in charts.of_portrait(portrait, locale=current()).items():
            (panel.charts if name in beyond else panel.more_charts).append(svg)
    return panel


def _law(law: Any) -> Panel | None:
    if not isinstance(law, Mapping) or "outcome" not in law:
        return None
    name, tone = _LAW.get(str(law["outcome"]), (str(law["outcome"]), "grey"))
    panel = Panel(id="law", icon="scale", title=gettext("Law check"), badge=gettext(name), tone=tone)
    panel.lines = texts(_own(law, "reason")) + texts(law.get("articles")) + texts(law.get("steps_named"))
    return panel


def _plan(plan: Any) -> Panel | None:
    text = plan.get("text") if isinstance(plan, Mapping) else plan
    return Panel(id="plan", icon="message-2", title=gettext("Communication plan"), text=text) if isinstance(text, str) and text else None


def _decisions(known: Mapping[str, Any]) -> list[Panel]:
    found = []
    for name, title in _DECISIONS:
        said = known.get(name)
        if isinstance(said, Mapping):
            lines = [gettext(_CODES.get(str(said[key]), str(said[key]))) for key in _SAID if said.get(key)]
            if by := said.get("decided_by"):
                lines.append(gettext("Decided by %(name)s", name=by))
            if lines:
                found.append(Panel(id=name, icon="users", title=gettext(title), lines=lines))
    return found


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


def _figures(metrics: Any) -> list[Mapping[str, Any]]:
    """Each metric's own figure, the team's and the threshold, in words; `flagged` beyond the threshold."""
    found = []
    for metric in metrics if isinstance(metrics, list) else ():
        unit = _own(metric, "unit") or ""
        if rate := _PER.get(metric.get("per")):
            unit = gettext(rate, unit=unit)
        beside = []
        if baseline := metric.get("baseline"):
            beside.append(gettext("team %(mean)s", mean=baseline["mean"]))
        if threshold := metric.get("threshold"):
            sign = gettext("at most %(limit)s") if threshold["side"] == "above" else gettext("at least %(limit)s")
            beside.append(sign % {"limit": threshold["limit"]})
        found.append(
            {
                "name": _own(metric, "name"),
                "value": metric["value"],
                "unit": unit,
                "beside": " · ".join(beside),
                "flagged": bool(metric.get("beyond")),
            }
        )
    return found
