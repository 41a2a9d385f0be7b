"""What a procedure's `rules.json` says about people: who starts, who manages, who reads, and where there is no way back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import json_text
from .bpmn.demands import RULES, elements
from .bpmn.parser import processes_of
from .models import ProcedureVersion

if TYPE_CHECKING:
    from .services import Services

#: stands in `shown` for who started the case, whatever role they hold
INITIATOR = "initiator"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One of a list that people choose from."""

    name: str
    name_en: str
    #: of a kind of what comes after a case: whether it makes the case one of those in `Aftermath.rate`
    counts: bool = False


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What may come of a case after it, elsewhere, and how that may end, as managers record it; by keys."""

    #: what all of it is called
    name: str = ""
    name_en: str = ""
    #: what the part of the cases is called of which something came that counts
    rate: Listed = field(default_factory=lambda: Listed(name="", name_en=""))
    kinds: Mapping[str, Listed] = field(default_factory=dict)
    results: Mapping[str, Listed] = field(default_factory=dict)

    def lacking(self, kinds: Iterable[str], results: Iterable[str]) -> list[str]:
        """Those of the kinds and results in rows that are not listed, each once."""
        return sorted({kind for kind in kinds if kind not in self.kinds} | {result for result in results if result not in self.results})


@dataclass(frozen=True, kw_only=True)
class Rules:
    #: roles that may start a case about somebody who reports to them; empty, as `start_any`: everybody about anybody
    start: frozenset[str] = frozenset()
    #: roles that may start a case about anybody
    start_any: frozenset[str] = frozenset()
    #: roles that may suspend, resume and terminate a case, declare it void and repair its incidents
    managers: frozenset[str] = frozenset({"admin"})
    #: roles that, beside the managers, may send messages and signals to its cases, such as that of an outside system's account
    senders: frozenset[str] = frozenset()
    #: roles that may read every case of the procedure
    readers: frozenset[str] = frozenset()
    #: who may cancel a case before it is over, beside the managers: `initiator`, or nobody
    cancel: frozenset[str] = frozenset({INITIATOR})
    #: once one of these elements was reached, the initiator can no longer cancel
    no_way_back: frozenset[str] = frozenset()
    #: once one of these elements was reached, a second manager must confirm that a case is terminated or void
    second_person: frozenset[str] = frozenset()
    #: kinds of documents that are shown to the subject
    served: frozenset[str] = frozenset()
    #: by role (or `initiator`): case variables shown to those who take part and are no readers
    shown: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: None where nothing is recorded after a case
    aftermath: Aftermath | None = None

    def starts(self, roles: Set[str]) -> bool:
        """Whether somebody with these roles may start a case at all."""
        return not (self.start or self.start_any) or bool(roles & (self.start | self.start_any))

    def starts_about_anybody(self, roles: Set[str]) -> bool:
        """Whether they may start one about people who do not report to them, too."""
        return self.starts(roles) and (not self.start or bool(roles & self.start_any))


def faults(content: bytes) -> list[str]:
    """What is wrong with a rule file, so that a slip in it never opens or closes anything unseen."""
    given, wrong = json_text.read_object(content)
    if wrong:
        return wrong
    found = [f'there is no rule "{name}"' for name in given.keys() - Rules.__dataclass_fields__.keys() - {"before", "since", "free_of"}]
    lists = {name: given[name] for name in given if name in Rules.__dataclass_fields__ and name not in (*_BY_NAME, _AFTERMATH)}
    inner = {rule: given.get(rule, {}) for rule in _BY_NAME}
    since = given.get("since", {})
    inner |= {f"since.{name}": since[name] for name in since} if isinstance(since, dict) else {"since": since}
    for rule, named in inner.items():
        if isinstance(named, dict):
            lists |= {f"{rule}.{name}": named[name] for name in named}
        else:
            found.append(f"{rule} must be an object")
    if _texts(given.get("cancel", [])) and not set(given.get("cancel", ())) <= {INITIATOR}:
        found.append(f'cancel must be ["{INITIATOR}"] or []')
    found += [f"{name} must be a list of texts" for name, listed in lists.items() if not _texts(listed)]
    if given.get("managers") == []:
        found.append("managers must name at least one role: nobody could change the procedure or repair its cases")
    if _AFTERMATH in given:
        found += _faults_after(given[_AFTERMATH])
    return sorted(found)


#: the rule that lists what may come of a case
_AFTERMATH = "aftermath"
#: characters of a key of it, which stands in rows
LONGEST = 40
#: rules that name steps (`bpmn.demands`)
_STEPS = ("no_way_back", "second_person")
#: rules that hold a list for each of several names
_BY_NAME = ("before", "free_of", "shown")


def _texts(listed: object) -> bool:
    return isinstance(listed, list) and all(isinstance(item, str) for item in listed)


def _faults_after(given: object) -> list[str]:
    """What is wrong with `aftermath`, by the place in it."""
    found = _misnamed(_AFTERMATH, given, "rate", "kinds", "results")
    if not isinstance(given, dict):
        return found
    found += _misnamed(f"{_AFTERMATH}.rate", given.get("rate"))
    for what, more in (("kinds", ["counts"]), ("results", [])):
        place, listed = f"{_AFTERMATH}.{what}", given.get(what)
        if not isinstance(listed, dict) or not listed:
            found.append(f"“{place}” must be an object that is not empty")
            continue
        for key, one in listed.items():
            if not 0 < len(key) <= LONGEST:
                found.append(f"“{place}.{key}” must have 1 to {LONGEST} characters")
            found += _misnamed(f"{place}.{key}", one, *more)
            if isinstance(one, dict) and not isinstance(one.get("counts", False), bool):
                found.append(f"“{place}.{key}.counts” must be true or false")
    return found


def _misnamed(place: str, given: object, *more: str) -> list[str]:
    """Whether something lacks its name in one of the languages, or has other entries than `more` beside."""
    if not isinstance(given, dict):
        return [f"“{place}” must be an object"]
    names = ("name", "name_en")
    found = [f"“{place}.{key}” must be text" for key in names if not isinstance(given.get(key), str) or not given[key].strip()]
    return found + [f"“{place}” has no entry “{key}”" for key in given.keys() - {*names, *more}]


def rules_of(files: Mapping[str, bytes]) -> Rules:
    """The rules of a version; its file was checked when it was deployed."""
    given = json.loads(files.get(RULES, b"{}"))
    plain = Rules.__dataclass_fields__.keys() - {*_BY_NAME, _AFTERMATH}
    lists = {name: frozenset(given[name]) for name in plain if name in given}
    diagrams = tuple((path, content) for path, content in files.items() if path.endswith(".bpmn"))
    lists |= {name: _named(lists[name], diagrams) for name in _STEPS if name in lists}
    shown = {role: frozenset(names) for role, names in given.get("shown", {}).items()}
    return Rules(**lists, shown=shown, aftermath=_aftermath(given[_AFTERMATH]) if _AFTERMATH in given else None)


def _aftermath(given: Mapping[str, Any]) -> Aftermath:
    kinds, results = ({key: Listed(**one) for key, one in given[name].items()} for name in ("kinds", "results"))
    return Aftermath(**{**given, "rate": Listed(**given["rate"]), "kinds": kinds, "results": results})


@lru_cache(maxsize=64)
def _named(steps: frozenset[str], diagrams: tuple[tuple[str, bytes], ...]) -> frozenset[str]:
    """Ids of the steps that a rule names, as cases know them: `process:element` in a called process, too."""
    read = [process for path, content in diagrams for process in processes_of(content, path)]
    found = [place for step in steps for place in elements(step, read)]
    return frozenset(id for process, element in found for id in (element, f"{process}:{element}"))


def rules_now(services: Services, connection: sa.Connection, procedure: str) -> Rules:
    """The rules of the version that serves now, by which things are done that belong to no one version."""
    active = sa.select(ProcedureVersion.id).where(ProcedureVersion.procedure == procedure, ProcedureVersion.active)
    version = connection.execute(active).scalar_one_or_none()
    return Rules() if version is None else rules_of(services.programs.get(version).files)


def by_procedure(services: Services, connection: sa.Connection) -> dict[str, Rules]:
    """Rules of the active version of each procedure."""
    rows = connection.execute(sa.select(ProcedureVersion.procedure, ProcedureVersion.id).where(ProcedureVersion.active))
    return {row.procedure: rules_of(services.programs.get(row.id).files) for row in rows}
