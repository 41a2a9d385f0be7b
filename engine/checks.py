"""What is to be said of the files of a procedure before they are deployed: what is wrong, and what could be better."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import demanded, json_text, rules
from .bpmn import convert, lint
from .bpmn.findings import with_lines
from .bpmn.folder import refused_parts
from .bpmn.order import RULES, missing_before
from .calendar import Calendars
from .chains import shipped
from .chains import versions as chain_versions
from .chains.company import Company
from .chains.steps import timed
from .descriptions import Description, described
from .errors import FileRefused
from .letters import checking as letters
from .people import directory
from .ports import Forms, Json

if TYPE_CHECKING:
    from .services import Services


def check(
    files: Mapping[str, bytes],
    forms: Forms,
    *,
    operations: Collection[str] | None,
    told: Mapping[str, Description] = {},
    chain_keys: Collection[str] | None,
    calendars: Calendars | None = None,
    company: Company | None = None,
    published: Mapping[str, bool] | None = None,
    apart: bool = False,
) -> dict[str, list[lint.Finding]]:
    """Findings of each diagram, table, form, rule file and chain; files without an error finding deploy, and a case of them starts.

    Diagrams from elsewhere are converted first; what that changed is among the findings. `operations`, `chain_keys`, `calendars`
    and `company`: what exists, or None where that is not known. `told`: as in `lint.check`. `published`: keys of chains for which the
    file's are not taken, each with whether all of its steps have a limit. `apart`: as in `lint.check`.
    """
    conversion = convert.convert(files)
    came, files = files, conversion.files
    schemas: dict[str, Json] = {}
    broken: dict[str, list[lint.Finding]] = {}
    for path, content in files.items():
        if path.endswith(".form"):
            try:
                schemas[Path(path).stem] = json_text.read(content)
            except ValueError as error:
                broken[path] = [lint.finding(lint.Code.NOT_JSON, None, reason=str(error))]
            else:
                faults = [
                    lint.finding(lint.Code.BAD_FORM, None, form=Path(path).stem, reason=fault)
                    for fault in forms.problems(schemas[Path(path).stem])
                ]
                broken.update({path: faults} if faults else {})
    for path, faulty in ((RULES, rules.faults), (shipped.CHAINS, shipped.faults)):
        if path in files and (said := faulty(files[path])):
            broken[path] = [lint.finding(lint.Code.NOT_JSON, None, reason=fault) for fault in said]
    usable = {form: schema for form, schema in schemas.items() if isinstance(schema, dict)}
    aside = shipped.findings(files, forms, usable, operations=operations, company=company, but=published or ())
    if aside:
        broken.setdefault(shipped.CHAINS, []).extend(aside)
    found = lint.check(
        files,
        forms=usable if usable or operations is not None else None,
        operations=operations,
        told=told,
        chains=chain_keys,
        timed={key: timed(chain["steps"]) for key, chain in shipped.chains(files).items()} | dict(published or {}),
        people=company,
        calendars=calendars,
        advice=True,
        apart=apart,
    )
    described = {**told, **lint.operations.descriptions(operations)}
    for path, findings in letters.findings(files, forms=usable if usable or operations is not None else None, told=described).items():
        found.setdefault(path, []).extend(findings)
    for path, findings in _out_of_order(files, described).items() if RULES not in broken else ():
        found.setdefault(path, []).extend(findings)
    if company is not None and RULES in files and RULES not in broken:
        found.setdefault(RULES, []).extend(_unmanaged(files, company))
    found = {**found, **broken}
    for path, findings in conversion.findings.items():
        if path.endswith(".dmn") and any(one.code == lint.Code.NOT_TRANSLATED for one in findings):
            found.pop(path, None)  # it cannot be read for that reason
    every = dict.fromkeys([*found, *conversion.findings])
    found = {path: [*conversion.findings.get(path, ()), *found.get(path, ())] for path in every}
    for path, findings in refused_parts(files, found).items():
        found[path] += findings
    return {path: with_lines(findings, came.get(path)) for path, findings in found.items()}


def _unmanaged(files: Mapping[str, bytes], company: Company) -> list[lint.Finding]:
    """Whether rules lock everybody out: nobody who works here holds a role that they name. Where there are no people yet, they may come."""
    managers = rules.rules_of(files).managers
    connection, on = company.connection, company.on
    if directory.holders(connection, *managers, on=on) or not directory.anybody(connection, on):
        return []
    return [lint.finding(lint.Code.NOBODY_MANAGES, None, roles=", ".join(sorted(managers)))]


def _out_of_order(files: Mapping[str, bytes], operations: Mapping[str, Description]) -> dict[str, list[lint.Finding]]:
    """What the rules about the order of steps forbid; nothing as long as a diagram cannot be read, which is said anyway."""
    try:
        return missing_before(files, lambda text: demanded.called(text, files, operations))
    except FileRefused:
        return {}


def findings(services: Services, files: Mapping[str, bytes]) -> dict[str, list[lint.Finding]]:
    """What there is to say about the files in this installation, by path, as `check` says it of files that are deployed together."""
    with services.database.reading() as connection:
        published = chain_versions.timed(connection, services.clock.now())
        found = check(
            files,
            services.forms,
            operations=described(services.operations),
            chain_keys=published.keys() | shipped.chains(files).keys(),
            calendars=services.calendars,
            company=Company(connection, services.clock.now()),
            published=published,
        )
    # in a folder of loose diagrams it does no harm
    wrong = lint.Code.SEVERAL_PROCESSES
    return {path: [replace(one, severity="error") if one.code == wrong else one for one in said] for path, said in found.items()}


def faults(services: Services, files: Mapping[str, bytes]) -> list[lint.Finding]:
    """What keeps the files from being deployed in this installation."""
    return [finding for found in findings(services, files).values() for finding in found if finding.severity == "error"]
