"""Back, elsewhere, and open again: what managers do to the course of a case."""

from __future__ import annotations

from typing import Any

from engine import returns

from ..accounts import me, services
from ..i18n import N_
from .exchange import api, asked, body, declared, plain, request_id
from .shapes import REASON, Listed, Text

_ELEMENT = Text(N_("Id of an element of the diagram"), example="talk")
_LEAVING = N_("Instances that are left, of those where the case stands")
_TOLD = {"left": [returns.Step], "effects": [returns.Effect]}


@api.get("/cases/<case_id>/steps")
@declared(scope="admin:cases", gives={"steps": [returns.Step], "stands": dict[str, returns.Step]})
def steps(case_id: str) -> Any:
    """Where a case can be returned to or opened again, the last one reached first, and where it stands, by instance."""
    which = {"actor": me().id}
    return {"steps": plain(returns.steps(services(), case_id, **which)), "stands": plain(returns.stands(services(), case_id, **which))}


@api.get("/cases/<case_id>/prospect")
@declared(scope="admin:cases", asks={"element": _ELEMENT}, gives=_TOLD)
def prospect(case_id: str) -> Any:
    """What a return to an element would leave, and what was done outside since; nothing is changed."""
    return _told(returns.prospect(services(), case_id, asked()["element"], actor=me().id))


@api.post("/cases/<case_id>/<any(return, reopen):verb>")
@declared(scope="admin:cases", takes={"element": _ELEMENT, "reason": REASON, "leaving": Listed(_LEAVING, default=None)}, gives=_TOLD)
def back(case_id: str, verb: str) -> Any:
    """Return a case to an element, or open a closed one again there; `leaving` is for a return, which otherwise leaves everything."""
    sent = body()
    which = {"actor": me().id, "reason": sent["reason"], "request_id": request_id()}
    if verb == "reopen":
        return _told(returns.reopen(services(), case_id, sent["element"], **which))
    return _told(returns.return_to(services(), case_id, sent["element"], leaving=sent["leaving"], **which))


@api.post("/cases/<case_id>/jump")
@declared(
    scope="admin:cases",
    takes={
        "leaving": Listed(_LEAVING, example=["talk#2"]),
        "entering": Listed(N_("Elements that are entered"), of=_ELEMENT),
        "reason": REASON,
    },
    gives=_TOLD,
)
def jump(case_id: str) -> Any:
    """Leave where a case stands and enter elements elsewhere in its diagram."""
    return _told(returns.jump(services(), case_id, actor=me().id, request_id=request_id(), **body()))


def _told(found: returns.Prospect) -> Any:
    return {"left": plain(found.left), "effects": plain(found.effects)}
