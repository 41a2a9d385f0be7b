"""What one evaluation costs once the expression is compiled, over the data of a case of usual size (2 kB)."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from xml.sax.saxutils import escape

from ..bpmn.decisions import Decisions
from ..bpmn.expressions import check, condition, evaluate, matches
from .six_tasks import percentile

NOW: Final = dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)
DATA: Final[dict[str, Any]] = {
    "employee": {"dept": "客服部", "months": 14.5, "hired": "2024-03-01"},
    "amount": 12_000,
    "chain": [{"level": 1, "days": 2}, {"level": 2, "days": 3}, {"level": 3, "days": 1}],
    "scores": [58, 52, 55],
    "due": "2026-12-01T09:00:00+08:00",
} | {f"field_{number:02}": {"label": f"字段{number}", "value": number * 1.5} for number in range(36)}

CONDITIONS: Final = {
    "comparison": 'employee.dept = "客服部"',
    "conjunction": "employee.months > 12 and amount <= 20000",
    "quantifier": "some step in chain satisfies step.days > 2",
}
VALUES: Final = {
    "choice": 'if amount > 10000 then "vp" else "hr"',
    "arithmetic": "sum(scores) / count(scores)",
    "filter": "count(chain[days > 1])",
    "dates": 'date(employee.hired) + duration("P1Y") < date("2026-01-01")',
    "instants": "date and time(due) < now()",
}
ROWS: Final = 20


def table() -> bytes:
    """A table of 20 rows and three inputs under FIRST, of which the last row applies."""
    columns = "".join(
        f'<input><inputExpression typeRef="{kind}"><text>{text}</text></inputExpression></input>'
        for text, kind in (("employee.dept", "string"), ("employee.months", "number"), ("amount", "number"))
    )
    rules = ""
    for row in range(1, ROWS + 1):
        cells = [
            f'"部门{row}"' if row < ROWS else "-",
            f"[{row}..{row + 20}]" if row < ROWS else "> 12",
            f"< {row * 1000}" if row < ROWS else "-",
        ]
        tests = "".join(f"<inputEntry><text>{escape(cell)}</text></inputEntry>" for cell in cells)
        rules += f"<rule>{tests}<outputEntry><text>{row}</text></outputEntry></rule>"
    return (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="bench" name="bench"><decision id="chain" name="chain">'
        f'<decisionTable hitPolicy="FIRST">{columns}<output name="row"/>{rules}</decisionTable></decision></definitions>'
    ).encode()


def figures(rounds: int) -> dict[str, dict[str, float]]:
    """Kind of evaluation -> `{median_us, p95_us, p99_us}`, processor time of `rounds` evaluations.

    `compile and check` is what a new expression costs.
    """
    decisions = Decisions(table(), file="bench.dmn")
    kinds: dict[str, Callable[[], object]] = {name: partial(condition, text, DATA) for name, text in CONDITIONS.items()}
    kinds |= {name: partial(evaluate, text, DATA, now=NOW) for name, text in VALUES.items()}
    kinds["unary test"] = lambda: matches("[10000..20000]", 12_000, {})
    kinds[f"table of {ROWS} rows"] = lambda: decisions.decide("chain", DATA, now=NOW)
    measured = {name: _measured(run, rounds) for name, run in kinds.items()}
    number = itertools.count(10_000_000)
    measured["compile and check"] = _measured(lambda: check(f"employee.months > {next(number)} and amount <= 20000"), min(rounds, 200))
    return measured


def _measured(run: Callable[[], object], rounds: int) -> dict[str, float]:
    for _ in range(min(rounds, 50)):
        run()
    took = []
    for _ in range(rounds):
        started = time.thread_time()  # what others do on the same machine is not the expression's
        run()
        took.append((time.thread_time() - started) * 1e6)
    return {f"{name}_us": round(percentile(took, share), 1) for name, share in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))}
