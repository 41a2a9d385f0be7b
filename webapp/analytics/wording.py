"""Spans of time, parts and kinds, as people read them."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from ..i18n import N_, error_text, gettext

#: what may be done with several cases -> (icon, what the button says, what follows)
ACTS: Mapping[str, tuple[str, str, str]] = {
    "retry": ("refresh", N_("Try incidents again"), N_("What failed is tried again as it was.")),
    "correct": (
        "pencil",
        N_("Correct values, then try again"),
        N_("A call that failed is made with these values, an element that got stuck sees them in its case; then it is tried again."),
    ),
    "answer": ("check", N_("Answer by hand"), N_("The cases go on as if the system had answered this. It is marked as entered by you.")),
    "skip": ("chevron-right", N_("Skip the step"), N_("The cases go on as if the step were done, without a result.")),
    "return": (
        "arrow-back-up",
        N_("Return to an earlier step"),
        N_("Each case goes back to the step. What was done outside since stays done, unless the diagram says how to undo it."),
    ),
    "move": (
        "send",
        N_("Move on to a step"),
        N_("Each case leaves where it stands and goes on at the step. What lies between is not done; what must lie before it must be."),
    ),
    "suspend": ("player-pause", N_("Pause the cases"), N_("Nothing moves in these cases until they are let go on.")),
    "resume": ("player-play", N_("Let the cases go on"), N_("Paused cases go on; what became due meanwhile is due now.")),
}


def span(seconds: float | None, way: str = "wall") -> str:
    """A span of time in its largest fitting unit; working time is never told in days, since they differ in length."""
    if seconds is None:
        return gettext("none yet")
    if seconds < 60:
        return gettext("under 1 min")
    if seconds < 3600:
        return gettext("%(n)s min", n=f"{seconds / 60:.0f}")
    if way == "work" or seconds < 48 * 3600:
        hours = seconds / 3600
        return gettext("%(n)s h", n=f"{hours:.1f}" if hours < 20 else f"{hours:.0f}")
    days = seconds / 86400
    return gettext("%(n)s days", n=f"{days:.1f}" if days < 20 else f"{days:.0f}")


def part(share: float | None) -> str:
    """A part of all in per cent."""
    return gettext("none yet") if share is None else f"{share * 100:.1f}%"


def change(before: float | None, after: float | None) -> str:
    """How much less or more, in per cent of what was before; empty where there was nothing."""
    if not before or after is None:
        return ""
    return f"{(after - before) / before * 100:+.0f}%"


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(span=span, part=part, error=error_text)
    app.jinja_env.globals.update(change=change, BULK_ACTS=ACTS)
