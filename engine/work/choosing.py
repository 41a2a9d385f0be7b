"""Whom the initiator chose, corrected for steps that are still to come: by a manager, or by the initiator to whom the work came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import access, casefile, choices, situations
from ..chains import choosing
from ..chains.company import Company
from ..chains.situation import Situation
from ..errors import FormInvalid, NotAllowed, NotFound
from ..ledger import Event
from ..locking import done_before, lock, must_run
from ..models import OPEN, SignOff
from ..people import directory
from ..rules import Rules, rules_of
from ..turn import Turn
from .steps import said

if TYPE_CHECKING:
    from ..services import Services


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A step for which the initiator chooses, and whom they chose."""

    asked: choices.Asked
    #: ids and names, in order
    persons: Sequence[str]
    names: Sequence[str]


def correct(
    services: Services, case_id: str, *, chain: str, step: str, persons: Sequence[str], actor: str, reason: str, request_id: str
) -> None:
    """Let others sign a step for which the initiator chooses, whenever it opens from now on; who signs now is for `reassign`.

    Raises NotFound, NotAllowed, CaseNotRunning, VersionSuspended; FormInvalid for `persons` as at the start, and without a reason.
    """
    reason = said(reason, "reason", "Say why others are to sign.")
    with services.database.unit() as unit:
        case = lock(unit, case_id=case_id)
        if done_before(unit, case_id, actor=actor, request_id=request_id):
            return
        must_run(case)
        turn = Turn(services, unit, case, actor=actor, request_id=request_id)
        if not _may(unit.connection, case, rules_of(turn.deployed.files), actor):
            raise NotAllowed(reason="only managers of this procedure can do it, and who started the case while it is with them again")
        company = Company(unit.connection, turn.now)
        asking = choices.asking(company, turn.deployed.program)
        found = next(((one, rule) for key, one, rule in asking if (key.key, one["key"]) == (chain, step)), None)
        if found is None:
            raise NotFound(what="step for which the initiator chooses", name=f"{chain} {step}")
        wanted = choosing.named(company, persons)
        situation = situations.situation(turn, None, chain=chain)
        if fault := choosing.fault(company, *found, situation, case.initiator_id, wanted):
            raise FormInvalid({"persons": [fault]})
        former = choices.of(turn, chain, None).get(step, [])
        choices.keep(turn, chain, step, wanted, by=actor)
        named = {"step": found[0]["name"], "step_en": found[0]["name_en"], "chain": chain}
        turn.record(Event.CHOICE_CORRECTED, **named, former=company.named(former), chosen=company.named(wanted), reason=reason)
        turn.commit()


def to_correct(services: Services, case_id: str, *, actor: str) -> list[Chosen]:
    """What the actor could correct now: the steps for which the initiator chooses. Raises NotFound, NotAllowed."""
    with services.database.reading() as connection:
        case = access.case_row(connection, case_id)
        deployed = services.programs.get(case.version_id)
        rules = rules_of(deployed.files)
        access.sight(connection, case, rules, actor)
        if case.status != "running" or not _may(connection, case, rules, actor):
            return []
        company = Company(connection, services.clock.now())
        situation = Situation(
            subject=case.subject_id,
            initiator=case.initiator_id,
            at=company.at,
            variables=casefile.restored(services, connection, case).variables(),
            managers=sorted(rules.managers),
            procedure=case.procedure,
        )
        stored = choices.stored(connection, case_id)
        found = []
        for asked in choices.asked_of_initiator(company, deployed.program, situation):
            persons = choices.latest(stored, asked.chain, None).get(asked.step, [])
            names = [str(one["name"]) for one in company.named(persons)]
            found.append(Chosen(asked=replace(asked, needed=True), persons=persons, names=names))
        return found


def _may(connection: sa.Connection, case: Any, rules: Rules, actor: str) -> bool:
    """Whether they manage the procedure, or started the case and have work in it now; never whom it is about."""
    if actor == case.subject_id:
        return False
    if directory.roles_of(connection, actor) & rules.managers:
        return True
    own = sa.select(SignOff.id).where(SignOff.case_id == case.id, SignOff.state == OPEN, SignOff.person_id == actor)
    return bool(actor == case.initiator_id and connection.execute(own.limit(1)).first())
