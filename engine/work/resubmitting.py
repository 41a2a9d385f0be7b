"""重新提交: where an approval goes once the step it was sent back to is signed again: onward, or straight back to who sent it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .. import rounds
from ..chains import rules
from ..chains.steps import condition, setting
from ..errors import FormInvalid
from ..ledger import Event
from ..marks import changed, marks
from ..models import WorkRound
from ..ports import Json

if TYPE_CHECKING:
    from ..fields import Keyring
    from .steps import Step

#: where the work goes once the step to which it was sent back is signed again
WAYS = ("onward", "back")
#: what the round to which the work was sent back keeps in its trace
_KEY = "sent_back"


def way(at: Step, chosen: str) -> str:
    """`onward` or `back`, as the step says, or as whoever sends the work back chooses where it leaves that to them.

    `chosen` "": nothing. Raises FormInvalid for another choice than the step leaves.
    """
    said = str(setting(at.asks, "resubmit"))
    if chosen and (chosen not in WAYS or said not in ("choose", chosen)):
        raise FormInvalid({"resubmit": ["The approval chain does not leave this choice."]})
    return chosen or ("onward" if said == "choose" else said)


def sent_back(at: Step, way: str) -> dict[str, Json]:
    """For the trace of the round that is opened by it: who sends the work back, and what they and those between saw."""
    return {_KEY: {"place": at.position, "step": at.asks["name"], "seen": _seen(at)}} if way == "back" else {}


def onward(at: Step) -> int:
    """The place of the step that follows now that this one is approved.

    Where the work goes straight back, the steps between are skipped, and what was signed in them is kept. It goes through all of
    them again where a value has changed meanwhile that one of them shows or depends on: nobody's signature stands under something
    else than they saw.
    """
    if all(setting(step, "resubmit") == "onward" for step in at.chain.steps):
        return at.position + 1
    trace = at.turn.unit.connection.execute(sa.select(WorkRound.trace).where(WorkRound.id == at.round_id)).scalar_one()
    back, different = straight_back(
        trace, at.chain.steps, at.position, at.turn.unit.keyring, at.turn.case.id, at.turn.execution.seen(at.instance)
    )
    if different:
        at.record(Event.STEP_RESUBMITTED, changed=list(different))
    if back is None or different:
        return at.position + 1
    for place in range(at.position + 1, back):
        signed = [row.round_number for row in at.all_rows if row.step_position == place and row.outcome == "approved"]
        if signed:
            rounds.keep(at.turn, at.item, place, max(signed))
    return back


def straight_back(
    trace: Mapping[str, Json],
    steps: Sequence[Mapping[str, Json]],
    position: int,
    keyring: Keyring,
    case_id: str,
    values: Mapping[str, Json],
) -> tuple[int | None, Sequence[str]]:
    """The place of the step from which the work was sent back to the one at `position`, by the trace of its round, and which values have
    changed since that a step between shows or depends on; (None, ()) where it does not go straight back."""
    back = trace.get(_KEY)
    if back is None:
        return None, ()
    now, before, between = marks(keyring, case_id, values), back["seen"], steps[position + 1 : back["place"]]
    counting = (name for name in now.keys() | before.keys() if not all(_indifferent(step, name) for step in between))
    return int(back["place"]), sorted(changed(before, now, counting))


def _indifferent(step: Mapping[str, Json], name: str) -> bool:
    """Whether a step neither shows a variable nor can depend on it."""
    hidden = setting(step, "fields").get(name) == "hidden"
    return hidden and not condition(step) and not any(rules.of_nobody(rule) for rule in step["approvers"])


def _seen(at: Step) -> dict[str, str]:
    return marks(at.turn.unit.keyring, at.turn.case.id, at.turn.execution.seen(at.instance))
