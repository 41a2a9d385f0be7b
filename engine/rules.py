"""What a procedure's `rules.json` says about people: who starts, who manages, who reads, and where there is no way back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from .bpmn.order import RULES


@dataclass(frozen=True, kw_only=True)
class Rules:
    #: roles that may start a case about somebody who reports to them; empty, as `start_any`: everybody about anybody
    start: frozenset[str] = frozenset()
    #: roles that may start a case about anybody
    start_any: frozenset[str] = frozenset()
    #: roles that may suspend, resume and cancel a case and repair its incidents
    managers: frozenset[str] = frozenset({"admin"})
    #: roles that may read every case of the procedure
    readers: frozenset[str] = frozenset()
    #: once one of these elements was reached, the initiator can no longer withdraw
    no_way_back: frozenset[str] = frozenset()
    #: kinds of documents that are shown to the subject
    served: frozenset[str] = frozenset()


def faults(content: bytes) -> list[str]:
    """What is wrong with a rule file, so that a slip in it never opens or closes anything unseen."""
    try:
        given = json.loads(content)
    except ValueError as error:
        return [str(error)]
    if not isinstance(given, dict):
        return ["it must be an object"]
    lists = {name: given[name] for name in given if name in Rules.__dataclass_fields__}
    before = given.get("before", {})
    found = [f'there is no rule "{name}"' for name in given.keys() - lists.keys() - {"before"}]
    if isinstance(before, dict):
        lists |= {f"before.{name}": before[name] for name in before}
    else:
        found.append("before must be an object")
    found += [f"{name} must be a list of texts" for name, listed in lists.items() if not _texts(listed)]
    return sorted(found)


def _texts(listed: object) -> bool:
    return isinstance(listed, list) and all(isinstance(item, str) for item in listed)


def rules_of(files: Mapping[str, bytes]) -> Rules:
    """The rules of a version; its file was checked when it was deployed."""
    given = json.loads(files.get(RULES, b"{}"))
    return Rules(**{name: frozenset(given[name]) for name in Rules.__dataclass_fields__ if name in given})
