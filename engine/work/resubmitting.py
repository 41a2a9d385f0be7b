"""重新提交: where an approval goes once the step it was sent back to is signed again: onward, or straight back to who sent it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import orjson
import sqlalchemy as sa

from .. import rounds
from ..chains.steps import setting
from ..ledger import Event
from ..models import WorkRound
from ..ports import Json

if TYPE_CHECKING:
    from ..fields import Keyring
    from .steps import Step

#: what the round to which the work was sent back keeps in its trace
_KEY = "sent_back"


def sent_back(at: Step) -> dict[str, Json]:
    """For the trace of the round that is opened by it: who sends the work back, and what they and those between saw."""
    if setting(at.asks, "resubmit") != "back":
        return {}
    return {_KEY: {"place": at.position, "step": at.asks["name"], "seen": _seen(at)}}


def onward(at: Step) -> int:
    """The place of the step that follows now that this one is approved.

    Where the work goes straight back, the steps between are skipped, and what was signed in them is kept. It goes through all of
    them again where a value has changed meanwhile: nobody's signature stands under something else than they saw.
    """
    if all(setting(step, "resubmit") != "back" for step in at.chain.steps):
        return at.position + 1
    trace = at.turn.unit.connection.execute(sa.select(WorkRound.trace).where(WorkRound.id == at.round_id)).scalar_one()
    back, changed = straight_back(trace, at.turn.unit.keyring, at.turn.case.id, at.turn.execution.seen(at.instance))
    if changed:
        at.record(Event.STEP_RESUBMITTED, changed=changed)
    if back is None or changed:
        return at.position + 1
    for place in range(at.position + 1, back):
        signed = [row.round_number for row in at.all_rows if row.step_position == place and row.outcome == "approved"]
        if signed:
            rounds.keep(at.turn, at.item, place, max(signed))
    return back


def straight_back(
    trace: Mapping[str, Json], keyring: Keyring, case_id: str, values: Mapping[str, Json]
) -> tuple[int | None, Sequence[str]]:
    """The place of the step from which the work was sent back, by the trace of the round to which it was, and which values have changed
    since; (None, ()) where it does not go straight back."""
    back = trace.get(_KEY)
    if back is None:
        return None, ()
    now = _marks(keyring, case_id, values)
    changed = sorted(name for name in now.keys() | back["seen"].keys() if now.get(name) != back["seen"].get(name))
    return int(back["place"]), changed


def _seen(at: Step) -> Mapping[str, str]:
    return _marks(at.turn.unit.keyring, at.turn.case.id, at.turn.execution.seen(at.instance))


def _marks(keyring: Keyring, case_id: str, values: Mapping[str, Json]) -> Mapping[str, str]:
    """A mark for each of the case's variables, by which a change of it is seen and nothing else."""
    return {name: keyring.digest(orjson.dumps(values[name]).decode(), f"{_KEY}/{case_id}/{name}")[:16] for name in values}
