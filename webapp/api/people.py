"""离职转办, for administrators: what somebody holds, and giving it to others."""

from __future__ import annotations

import datetime as dt
from typing import Any

from engine.errors import HandoverRefused, Sentence
from engine.people.lines import NO_DAY
from engine.work import handover
from engine.work.belongings import Held

from ..accounts import me, services
from ..i18n import N_, error_text
from .exchange import api, body, declared, plain
from .shapes import REASON, Object, Text

_DONE = {"held": Held, "to": str, "error": str | None}


@api.get("/people/<person_id>/handover")
@declared(
    scope="admin:people",
    gives={"name": str, "here": bool, "last_day": str | None, "later_to": str | None, "later_until": dt.datetime | None, "held": [Held]},
)
def holds(person_id: str) -> Any:
    """What somebody holds, and who gets what comes to them until they have left."""
    found = handover.look(services(), person_id, actor=me().id)
    return {name: plain(getattr(found, name)) for name in ("name", "here", "last_day", "later_to", "later_until", "held")}


@api.post("/people/<person_id>/handover")
@declared(
    scope="admin:people",
    takes={
        "to": Object(
            N_("Ids of people by “kind:ref”, “procedure:key”, a kind, or “” for everything; the nearest counts, and “” as an id leaves it"),
            of=Text(),
            example={"": "5f0c9a1e7b3d4c2f8a6e1d0b9c7f3a21"},
        ),
        "until": Text(N_("Last day on which what comes to them goes over, too"), default="", example="2026-12-31"),
        "on": Text(N_("Day from which heads, duties and superiors change; without one today"), default="", example="2027-01-01"),
        "note": REASON,
    },
    gives={"done": [_DONE]},
)
def hand_over(person_id: str) -> Any:
    """Give what somebody holds to others, each thing by itself; the same again does what is left."""
    sent = body()
    days = {name: _day(sent[name]) for name in ("until", "on")}
    done = handover.hand_over(services(), person_id, to=sent["to"], note=sent["note"], actor=me().id, **days)
    return {"done": [{"held": plain(one.held), "to": one.to, "error": error_text(one.error) if one.error else None} for one in done]}


def _day(text: str) -> dt.date | None:
    """Raises HandoverRefused."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise HandoverRefused(reason=Sentence(NO_DAY, {"text": text[:40]})) from None
