"""Publishing that waits for scenarios to be played, for programs that ask how far it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from engine.studio import publications
from engine.studio.publications import Publication

from .. import i18n
from ..accounts import me, services
from .exchange import api, declared, plain


@dataclass(frozen=True, kw_only=True)
class ToldPublication:
    """How far it is, and in the reader's language why it was refused."""

    id: str
    procedure: str
    #: `waiting`, `published`, `refused` or `withdrawn`
    state: str
    #: of the version
    number: int | None
    effective_at: dt.datetime | None
    #: scenarios that are done, and how many there are
    played: int
    of: int
    asked_at: dt.datetime
    asked_by: str
    ended_at: dt.datetime | None
    #: which error refused it, as it would have been answered
    code: str
    reasons: Sequence[str]
    #: names of the scenarios that fail
    failing: Sequence[str]


def told(found: Publication) -> ToldPublication:
    names = ("id", "procedure", "state", "number", "played", "of", "asked_at", "asked_by", "ended_at", "code", "failing")
    reasons = [i18n.fill(each["template"], each["facts"]) for each in found.reasons]
    return ToldPublication(**{name: getattr(found, name) for name in names}, effective_at=found.at, reasons=reasons)


def accepted(found: Publication, **more: Any) -> Any:
    """The answer to a request that publishes, while scenarios are played: where to ask what became of it."""
    address = url_for("api.publication", procedure=found.procedure, publication_id=found.id)
    return {**more, "publication": plain(told(found))}, 202, {"Location": address, "Retry-After": "1"}


@api.get("/procedures/<procedure>/publications/<publication_id>")
@declared(scope="read:procedures", gives=ToldPublication)
def publication(procedure: str, publication_id: str) -> Any:
    """What has become of a publication whose scenarios are played first: `waiting`, `published`, `refused` or `withdrawn`."""
    return plain(told(publications.read(services(), procedure, publication_id, actor=me().id)))


@api.delete("/procedures/<procedure>/publications/<publication_id>")
@declared(scope="write:procedures")
def withdraw_publication(procedure: str, publication_id: str) -> Any:
    """Withdraw a publication that waits, so that nothing is published; refused (409) where it is over by now."""
    publications.withdraw(services(), procedure, publication_id, actor=me().id)
    return "", 204
