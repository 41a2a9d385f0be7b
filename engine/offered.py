"""What somebody may do with a work item now.

It is not told twice: a verb is offered where trying it on the round, as data, raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import access
from .casefile import restored
from .chains import giving
from .chains.giving import Giving
from .chains.steps import setting
from .errors import ItemClosed, PartwellError
from .models import ProcedureVersion, SignOff
from .people import directory
from .rewinding import followed, rewound
from .rules import Rules
from .signing import adding, deciding, passing
from .signing.round import Round
from .work.adding import WHERE
from .work.copying import must_copy
from .work.resubmitting import WAYS
from .work.roundrows import open_at, round_of, rows_of, standing_at
from .work.urging import must_urge
from .work.withdrawing import completed, corrections, taken_back

if TYPE_CHECKING:
    from .services import Services

#: nobody's id, to try verbs that need another person
_SOMEBODY = "?"
_ABOUT_THEMSELVES = "nobody decides in a case about themselves"


@dataclass(kw_only=True)
class Offered:
    """The verbs of an item."""

    #: of the item
    may: set[str] = field(default_factory=set)
    #: where signers may be added: `before`, `after`, `beside`
    where: list[str] = field(default_factory=list)
    #: what whoever decides gives with it; None where the item stands at no step of a chain
    asks: Giving | None = None
    #: how it may come back from where it is returned to, if that is theirs to choose
    resubmit: Sequence[str] = ()
    #: id of a sign-off → verbs
    on: dict[str, frozenset[str]] = field(default_factory=dict)


def offered(
    services: Services, connection: sa.Connection, item: Any, case: Any, rules: Rules, chain: Any, rows: Sequence[Any], reader: str
) -> Offered:
    """The reader's verbs. `chain`: its row, or None; `rows`: of the item's sign-offs, as `chainview` reads them."""
    offers = Offered()
    held = connection.execute(sa.select(ProcedureVersion.suspended).where(ProcedureVersion.id == case.version_id)).scalar_one()
    moves = case.status == "running" and not held
    if moves and item.status == "open":
        if chain is None:
            offers.may = _plain(connection, item, case, next((row for row in rows if row.state == "open"), rows[0]), reader)
        else:
            offers = _in_step(connection, item, case, rules, chain, rows, reader)
        if _works(must_urge, services, connection, item, case, rules, reader, services.clock.now()):
            offers.may.add("urge")
    if moves and item.status != "open" and _works(_taken_back, services, connection, item, case, chain, rows, reader):
        offers.may.add("withdraw")
    if _works(must_copy, connection, item, case, rules, reader, services.clock.now()):
        offers.may.add("copy")
    return offers


def _plain(connection: sa.Connection, item: Any, case: Any, row: Any, reader: str) -> set[str]:
    """The verbs of work that no chain describes."""
    if row.state != "open":
        return set()
    if reader in (row.person_id, row.for_id):
        if reader == case.subject_id and not item.for_subject:
            return set()
        return {"complete", "save"} | ({"release"} if row.role or row.shared else set())
    if row.person_id is not None or reader == case.subject_id:
        return set()
    own = sa.select(SignOff.id).where(SignOff.id == row.sign_off_id, SignOff.id.in_(access.offered_to(connection, reader)))
    return {"complete", "save", "claim"} if connection.execute(own).first() else set()


def _in_step(connection: sa.Connection, item: Any, case: Any, rules: Rules, chain: Any, rows: Sequence[Any], reader: str) -> Offered:
    """The verbs of a chain's step, each tried on its round."""
    sent = corrections(connection, item.id)
    position, number = open_at(rows)
    barred = {case.subject_id: _ABOUT_THEMSELVES}
    if position < 0:
        last = standing_at(rows)
        return Offered(may={"withdraw"} if last and _works(taken_back, chain.steps, rows, last, barred, reader, sent) else set())
    current = rows_of(rows, (position, number))
    asks = chain.steps[position]
    round, verbs = round_of(current, asks, barred, reader), setting(asks, "verbs")
    acts: dict[str, tuple[Any, ...]] = {
        "approve": (deciding.approve,),
        "reject": (deciding.reject,),
        "resolve": (deciding.resolve,),
        "take_back": (passing.take_back,),
        "return": (deciding.return_,),
        "transfer": (passing.transfer, _SOMEBODY),
        "delegate": (passing.delegate, _SOMEBODY),
        "claim": (passing.claim,),
        "release": (passing.release,),
    }
    for verb in {"return", "transfer", "delegate"} - set(verbs) | {"release" if _could_take(round, reader) else "claim"}:
        del acts[verb]
    offers = Offered(may={verb for verb, (act, *more) in acts.items() if _works(act, round, reader, *more)})
    offers.asks = giving.of(asks)
    offers.resubmit = WAYS if "return" in offers.may and setting(asks, "resubmit") == "choose" else ()
    if "add" in verbs:
        offers.where = [where for where in WHERE if _works(adding.add, round, reader, [_SOMEBODY], where)]
        offers.may |= {"add"} if offers.where else set()
    if _works(taken_back, chain.steps, rows, (position, number), barred, reader, sent):
        offers.may.add("withdraw")
    manages = bool(directory.roles_of(connection, reader) & rules.managers)
    for place, row in enumerate(current):
        remove = (manages or "remove" in verbs) and _works(adding.remove, round, reader, place, admin=manages)
        reassign = manages and _works(passing.reassign, round, reader, place, _SOMEBODY)
        offers.on[row.sign_off_id] = frozenset(({"remove"} if remove else set()) | ({"reassign"} if reassign else set()))
    return offers


def _taken_back(services: Services, connection: sa.Connection, item: Any, case: Any, chain: Any, rows: Sequence[Any], reader: str) -> None:
    """Tries to withdraw what closed the item."""
    last = standing_at(rows) if chain is not None else None
    if chain is None:
        completed(rows, case.subject_id, reader)
    elif last is None:
        raise ItemClosed(reason="the procedure went on without it")
    else:
        taken_back(chain.steps, rows, last, {case.subject_id: _ABOUT_THEMSELVES}, reader, corrections(connection, item.id))
    if followed(services, connection, item):
        raise ItemClosed(reason="the procedure went on without it")
    rewound(services, connection, case, restored(services, connection, case), item)


def _could_take(round: Round, reader: str) -> bool:
    open_now = [signer for signer in round.signers if signer.state == "open"]
    return not any(reader in (signer.person, signer.for_person) for signer in open_now) and any(
        signer.person is None and reader in signer.candidates for signer in open_now
    )


def _works(act: Callable[..., Any], *given: Any, **more: Any) -> bool:
    try:
        act(*given, **more)
    except PartwellError:
        return False
    return True
