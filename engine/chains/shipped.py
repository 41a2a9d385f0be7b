"""Chains that come with a procedure, in its file `chains.json`: by key {name, name_en, steps}."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from .. import json_text
from ..bpmn.codes import Code
from ..bpmn.findings import Finding, finding
from ..errors import Sentence
from ..ports import Forms, Json
from . import faults as shape
from .company import Company
from .faults import Fault
from .rules import PARAMETERS
from .steps import keyed

CHAINS = "chains.json"


def chains(files: Mapping[str, bytes]) -> dict[str, Any]:
    """By key. Empty for a file that `faults` would blame."""
    given, wrong = _read(files.get(CHAINS, b"{}"))
    return {} if wrong else given


def faults(content: bytes) -> list[str]:
    """What is wrong with the outer shape of the file; `findings` looks into the steps."""
    return _read(content)[1]


def _read(content: bytes) -> tuple[dict[str, Any], list[str]]:
    given, wrong = json_text.read_object(content)
    wanted = {"name", "name_en", "steps"}
    odd = (key for key, chain in given.items() if not isinstance(chain, dict) or chain.keys() != wanted)
    return given, wrong + [f"{key} must have exactly: name, name_en, steps" for key in odd]


def findings(
    files: Mapping[str, bytes],
    forms: Forms,
    schemas: Mapping[str, Mapping[str, Json]],
    *,
    operations: Collection[str] | None,
    company: Company | None,
    but: Collection[str],
) -> list[Finding]:
    """What keeps the chains from being published, and where they may find nobody.

    `schemas`: the procedure's forms by id; `operations`, `company`: what there is, None where that is not known; `but`: keys of chains
    that are there already, so that those of the file are not taken.
    """
    found = []
    for key, chain in chains(files).items():
        if key in but:
            continue
        steps = keyed(chain["steps"])
        wrong = shape.faults(chain["name"], chain["name_en"], steps, company) or shape.unwired(steps)
        if not wrong and operations is not None:
            wrong = shape.unoffered(steps, operations)
        doubtful = [] if wrong else list(_doubtful(steps, forms, schemas.values(), company))
        found += [finding(Code.BAD_CHAIN, None, chain=key, fault=fault.sentence) for fault in wrong]
        found += [finding(Code.BAD_CHAIN, None, severity="warning", chain=key, fault=fault.sentence) for fault in doubtful]
    return found


def _doubtful(
    steps: Sequence[Mapping[str, Json]], forms: Forms, schemas: Collection[Mapping[str, Json]], company: Company | None
) -> Iterator[Fault]:
    """Roles that nobody holds yet, and fields that no form has: another procedure or an operation may bring them."""

    def known(field: str) -> bool:
        return any(field in forms.narrowed(schema, {field: "editable"}) for schema in schemas)

    for number, step in enumerate(steps):
        name = str(step.get("name"))
        for field, role in _roles(step):
            if company is not None and not company.holders(role):
                yield Fault(number, field, Sentence("nobody holds the role {role}", {"role": role}), name)
        for field, named in _fields(step):
            if schemas and not known(named):
                yield Fault(number, field, Sentence("no form of the procedure has the field {named}", {"named": named}), name)


def _rules(step: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Every rule of a step, those of whom one chooses, too, by its place."""
    for field in ("approvers", "copies"):
        for number, rule in enumerate(step.get(field) or ()):
            yield f"{field}.{number}", rule
            if "pool" in rule:
                yield f"{field}.{number}.pool", rule["pool"]


def _roles(step: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for field, rule in _rules(step):
        for role in rule.get("roles") or ():
            yield f"{field}.roles", role


def _fields(step: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for field, rule in _rules(step):
        for name, kind in PARAMETERS[rule["rule"]].items():
            value = rule.get(name)
            if kind == "field" and value:
                yield f"{field}.{name}", value
            elif kind == "of" and isinstance(value, str) and value.startswith("field:"):
                yield f"{field}.{name}", value.removeprefix("field:")
    for name in step.get("fields") or ():
        yield f"fields.{name}", name
