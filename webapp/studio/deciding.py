"""What the page of decision tables asks of the server: what is to be said of tables as they are typed."""

from __future__ import annotations

from typing import Any

from engine.bpmn.decisions import Decisions
from engine.bpmn.dmn_analysis import Analysis, example_text
from engine.studio import drafts

from ..accounts import me, services
from ..api.shapes import RequestInvalid
from .addresses import data
from .files import body


@data.post("/<procedure>/tables")
def tables(procedure: str) -> Any:
    """`{path, text}`: a file as it is typed -> `{tables: [...]}`, what was found in each without running it."""
    path, text = (body().get(name) for name in ("path", "text"))
    if not (isinstance(path, str) and isinstance(text, str)):
        raise RequestInvalid(reason="“path” and “text” must be texts", field="text")
    beside = drafts.contents(services(), procedure, actor=me().id)
    decisions = Decisions(text.encode(), file=path, beside={name: content for name, content in beside.items() if name.endswith(".dmn")})
    return {"tables": [told(one) for one in decisions.analyses()]}


def told(analysis: Analysis) -> dict[str, Any]:
    """An analysis as the page shows it; examples are texts in FEEL."""
    return {
        **{name: getattr(analysis, name) for name in ("decision", "name", "element", "policy", "rules", "shadowed", "never", "complete")},
        "together": [{"rules": pair.rules, "example": example_text(pair.example)} for pair in analysis.together],
        "gaps": [{"example": example_text(gap.example), "unusual": gap.unusual} for gap in analysis.gaps],
        "unread": [{"rule": rule, "input": column, "cell": cell} for rule, column, cell in analysis.unread],
    }
