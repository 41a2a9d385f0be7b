"""场景: the scenarios of a draft, played in the browser, with what they pass drawn on the diagram."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from engine.bpmn import render
from engine.errors import NotDeployable
from engine.studio import drafts
from engine.studio.scenarios import reading, verdicts
from engine.studio.scenarios.coverage import Coverage
from engine.studio.scenarios.running import Outcome

from .. import i18n, scenario_results
from ..accounts import logged_in, me, services
from ..long_work import long_work
from .addresses import studio
from .checking import told


@studio.get("/<procedure>/scenarios")
@logged_in
def scenario_list(procedure: str) -> Any:
    """The scenarios of the draft; nothing is played yet."""
    return _page(procedure)


@studio.post("/<procedure>/scenarios")
@logged_in
@long_work
def play_scenarios(procedure: str) -> Any:
    """Play all of them, or one."""
    return _page(procedure, play=True)


def _page(procedure: str, *, play: bool = False) -> Any:
    draft = drafts.read(services(), procedure, actor=me().id)
    files = drafts.contents(services(), procedure, actor=me().id)
    paths = reading.paths(files)
    only = [request.values["only"]] if request.values.get("only") in paths else None
    outcomes: list[Outcome] = []
    findings: Any = None
    if play:
        try:
            outcomes = verdicts.play(services(), files, procedure=procedure, only=only)
        except NotDeployable as error:
            findings = told(error.findings)
    results = {outcome.path: outcome for outcome in outcomes}
    return render_template(
        "studio_scenarios.html",
        draft=draft,
        rows=[(path, reading.name(files[path]) or path, results.get(path)) for path in paths],
        usual=results.get(reading.USUAL),
        faults={path: [(line, i18n.sentence(said)) for line, _, said in scenario_results.faults(one)] for path, one in results.items()},
        failed=sum(not outcome.passed for outcome in outcomes),
        played=len(outcomes),
        only=only[0] if only else "",
        covered=scenario_results.covered(files, outcomes) if outcomes else None,
        findings=findings,
        diagram=_drawn(files, outcomes) if outcomes else "",
    )


def _drawn(files: Any, outcomes: list[Outcome]) -> str:
    """The diagram with what the scenarios passed."""
    gone = Coverage()
    for outcome in outcomes:
        gone |= outcome.coverage
    source = next((content for path, content in sorted(files.items()) if path.endswith(".bpmn")), None)
    return render.svg(source, done=gone.elements | gone.flows, locale=i18n.current()) if source else ""
