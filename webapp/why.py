"""Why somebody signs a step, or nobody does, as pages tell it: with its condition in people's words."""

from __future__ import annotations

from typing import Any

from flask import Flask, g
from markupsafe import Markup, escape

from engine.chains import explain

from . import chainfields, chaintable, i18n
from .accounts import services
from .chainwhen import Conditions


def why(step: Any, chain: str, version: str = "") -> Markup:
    """The sentences of a step's trace in the language of the request.

    `chain`: its key; `version`: id of the version of the procedure whose names for the fields of a condition go first.
    """

    def condition(text: str) -> str:
        return _conditions(chain, version).shown(text)

    told = explain.sentences(step.trace, i18n.current(), lambda text, locale: escape(i18n.reason(text)), condition)
    return Markup(explain.between(i18n.current())).join(told)


def _conditions(chain: str, version: str) -> Conditions:
    """Read once for a page, and only where there is a condition to tell."""
    kept: dict[tuple[str, str], Conditions] = g.setdefault("conditions", {})
    if (chain, version) not in kept:
        with services().database.reading() as connection:
            departments = chaintable.called(connection, "departments")
        kept[chain, version] = Conditions(chainfields.known(services(), chain, version), departments)
    return kept[chain, version]


def init_app(app: Flask) -> None:
    app.jinja_env.filters["why"] = why
