"""What the page of decision tables asks of the server: what is to be said of tables as they are typed."""

from __future__ import annotations

import dataclasses
from typing import Any

from engine.bpmn import dmn_tests
from engine.bpmn.decisions import Decisions
from engine.bpmn.dmn_analysis import Analysis, example_text
from engine.errors import FileRefused
from engine.studio import drafts, matched

from .. import i18n
from ..accounts import me, services
from ..api.shapes import RequestInvalid
from .addresses import data
from .files import body


@data.post("/<procedure>/tables")
def tables(procedure: str) -> Any:
    """`{path, text, tests?}`: a file as it is typed, and its test rows -> `{tables: [...], tests: [...], fault}`.

    `tables`: what was found in each without running it; `tests`: what came of each row; `fault`: why the rows cannot be read.
    """
    path, text, tests = (body().get(name) for name in ("path", "text", "tests"))
    if not (isinstance(path, str) and isinstance(text, str) and isinstance(tests, str | None)):
        raise RequestInvalid(reason="“path”, “text” and “tests” must be texts", field="text")
    drafted = drafts.contents(services(), procedure, actor=me().id)
    decisions = Decisions(text.encode(), file=path, beside={name: content for name, content in drafted.items() if name.endswith(".dmn")})
    fault, outcomes = None, list[dmn_tests.Outcome]()
    if tests is not None:
        try:
            outcomes = dmn_tests.run(decisions, dmn_tests.read(tests.encode(), dmn_tests.beside(path), decisions))
        except FileRefused as error:
            fault = i18n.error_text(error)
    missed = dmn_tests.unreached(decisions, outcomes)
    return {
        "tables": [told(one) | {"untested": missed.get(one.decision)} for one in decisions.analyses()],
        "asks": {id: decisions.asks(id) for id in decisions.ids},
        "tests": [{"passed": one.passed, "value": one.value, "failed": one.failed} for one in outcomes],
        "fault": fault,
    }


@data.get("/<procedure>/matched.json")
def rules_matched(procedure: str) -> Any:
    """`{days, cases, complete, rules: {decision: {rule: how often}}}` of the cases of the last months."""
    return dataclasses.asdict(matched.matched(services(), procedure, actor=me().id))


def told(analysis: Analysis) -> dict[str, Any]:
    """An analysis as the page shows it; examples are texts in FEEL."""
    return {
        **{name: getattr(analysis, name) for name in ("decision", "name", "element", "policy", "rules", "shadowed", "never", "complete")},
        "together": [{"rules": pair.rules, "example": example_text(pair.example)} for pair in analysis.together],
        "gaps": [{"example": example_text(gap.example), "unusual": gap.unusual} for gap in analysis.gaps],
        "unread": [{"rule": rule, "input": column, "cell": cell} for rule, column, cell in analysis.unread],
    }
