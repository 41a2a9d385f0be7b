"""Which elements and sequence flows cases went through, rebuilt from their ledgers."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ... import ledger
from ...bpmn.advance import Advance
from ...bpmn.program import Program
from ...models import Case
from ...replay import Player

if TYPE_CHECKING:
    from ...services import Services


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What was passed; ids as in the diagram, with `process:` before those of called processes."""

    elements: Set[str] = frozenset()
    flows: Set[str] = frozenset()

    def __or__(self, other: Coverage) -> Coverage:
        return Coverage(elements=self.elements | other.elements, flows=self.flows | other.flows)


def everything(program: Program) -> Coverage:
    """What there is to be passed: the process and those of the same version that it calls."""
    prefixes = {id.rpartition(":")[0] for id in program.elements}
    parts = [program.part(f"{prefix}:" if prefix else "").process for prefix in sorted(prefixes)]
    return Coverage(elements=frozenset(program.elements), flows=frozenset(flow for part in parts for flow in part.flows))


def passed(services: Services, case_ids: Iterable[str]) -> Coverage:
    """What these cases passed. Raises ReplayStopped where a ledger cannot be played again."""
    found = Coverage()
    for case_id in case_ids:
        with services.database.reading() as connection:
            version = connection.execute(sa.select(Case.version_id).where(Case.id == case_id)).scalar_one()
            entries = ledger.history(connection, services.keyring, case_id)
        seen: list[Advance] = []
        happened: set[str] = set()
        execution = Player(services.programs, services.calendars).play(entries, seen=seen.append)
        flows = {flow for advance in seen for flow in advance.flows}
        program = services.programs.program(version)
        for prefix in {id.rpartition(":")[0] for id in program.elements}:
            for flow in program.part(f"{prefix}:" if prefix else "").process.flows.values():
                if flow.id in flows:
                    happened |= {flow.source, flow.target}
        # An event that waits was numbered before it happened, so visits count for it only where it has no flow that could tell.
        for id in execution.visits:
            element = program.elements.get(id)
            if element is not None and (not element.kind.endswith("Event") or not (element.outgoing or element.incoming)):
                happened.add(id)
        happened |= {entry.element for entry in entries if entry.event == ledger.Event.CASE_STARTED and entry.element}
        found |= Coverage(elements=frozenset(happened), flows=frozenset(flows))
    return found
