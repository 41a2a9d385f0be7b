"""What keeps a procedure from being deployed, and what its owner should look at: findings by file, never an exception.

A diagram without an error finding deploys, and a case of it starts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce

from ... import errors
from ...calendar import Calendars
from ...descriptions import Description
from ...ports import Json
from .. import dmn_analysis, dmn_tests, names
from ..codes import ADVICE, Code
from ..decisions import Decisions
from ..findings import Finding, broken_file, finding
from ..parser import processes_of
from .calls import Calls
from .elements import REMEDIES, Diagram, Known
from .operations import descriptions
from .people import People

__all__ = ["ADVICE", "REMEDIES", "Code", "Finding", "broken_file", "check", "finding", "forms_named"]


def check(
    files: Mapping[str, bytes],
    *,
    forms: Mapping[str, Json] | None = None,
    operations: Collection[str] | None = None,
    told: Mapping[str, Description] = {},
    chains: Collection[str] | None = None,
    timed: Mapping[str, bool] | None = None,
    people: People | None = None,
    calendars: Calendars | None = None,
    advice: bool = False,
    apart: bool = False,
) -> dict[str, list[Finding]]:
    """Findings of every diagram and table among the files of one folder.

    `forms` (schema by id), `operations`, `chains`, `people` and `calendars` are what exists around the procedure; None: not known,
    so not checked. `timed`: chain -> whether each of its steps has a limit, of those of which it is known. Operations with their
    descriptions (`engine.descriptions.described`) are checked for what goes in and comes out, too; so are those of which only the
    description is `told`, and not whether anybody offers them. `advice`: also what could be drawn better (`ADVICE`).
    `apart`: files with a process of the same id may be different procedures, so that is a warning.
    """
    found: dict[str, list[Finding]] = {}
    tables: dict[str, Decisions] = {}
    for path, content in files.items():
        if path.endswith(".dmn"):
            found[path] = []
            try:
                tables[path] = Decisions(content, file=path, beside=files)
            except errors.FileRefused as error:
                found[path].append(broken_file(error, content))
    decisions = {decision for table in tables.values() for decision in table.ids}
    calls = Calls(files, forms, {**told, **descriptions(operations)})
    known = Known(
        forms=forms,
        operations=operations,
        chains=chains,
        timed=timed or {},
        people=people,
        decisions=decisions,
        calendars=calendars,
        calls=calls,
        advice=advice,
        apart=apart,
    )
    diagrams = [Diagram(path, known) for path in files if path.endswith(".bpmn")]
    for diagram in diagrams:
        found[diagram.path] = diagram.findings(files[diagram.path])
    main = [diagram.path for diagram in diagrams if diagram.main]
    anywhere = reduce(names.together, (diagram.seen for diagram in diagrams)) if diagrams else names.UNKNOWN
    for path in main if len(main) > 1 else ():
        found[path].append(finding(Code.SEVERAL_PROCESSES, None, severity="warning", processes=", ".join(main)))
    for path, table in tables.items():
        callers = [_known(diagram.seen) for diagram in diagrams if diagram.decides.intersection(table.ids)]
        wrong = dict.fromkeys(each for seen in dict.fromkeys(callers or [_known(anywhere)]) for each in table.check(seen))
        found[path] += [finding(Code.BAD_DECISION, None, at=element, reason=message.rstrip(".")) for element, message in wrong]
        found[path] += [finding(Code.MONEY_CALCULATED, None, at=element, where=element, amount=name) for element, name in table.money()]
        found[path] += [one for analysis in table.analyses() for one in dmn_analysis.said(analysis, advice=advice)]
        found[path] += dmn_tests.findings(files, path, table)
    for path in files:
        if path.endswith(dmn_tests.SUFFIX) and (table_path := path.removesuffix(dmn_tests.SUFFIX) + ".dmn") not in files:
            found[path] = [finding(Code.TESTS_OF_NOTHING, None, table=table_path)]
    return found


def _known(seen: names.Names) -> frozenset[str] | None:
    return seen.known if seen.complete else None


def forms_named(files: Mapping[str, bytes]) -> set[str]:
    """Ids of the forms that the diagrams name; diagrams that cannot be read name none."""
    found: set[str | None] = set()
    for path, content in files.items():
        if path.endswith(".bpmn"):
            try:
                read = processes_of(content, path)
            except errors.FileRefused:
                continue
            found.update(e.form for p in read for e in p.elements.values())
    return {form for form in found if form}
