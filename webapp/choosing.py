"""Fields in which people are chosen: who signs a step, on the page of a start and of a work item, and any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import request

from engine.choices import Asked
from engine.errors import NotFound
from engine.people import directory

from .accounts import services
from .i18n import gettext, ngettext

#: people that are shown at once; of a larger pool one searches
MOST = 20


@dataclass(frozen=True, kw_only=True)
class Picking:
    """One step with the people from whom is chosen."""

    asked: Asked
    #: names of the form's fields for the people, and for the words that are searched
    field: str
    find: str
    words: str
    #: rows as `directory.search` gives them; those who are chosen first
    people: Sequence[Any]
    chosen: Sequence[str]
    #: not everybody who could be chosen is shown
    searched: bool

    @property
    def single(self) -> bool:
        """One is chosen, and cannot be left out."""
        return self.asked.most == 1 and self.asked.needed

    @property
    def count(self) -> str:
        """How many are chosen, as the page says it."""
        least, most = self.asked.least if self.asked.needed else 0, self.asked.most
        if least == most:
            return ngettext("Choose %(num)s person", "Choose %(num)s people", most)
        if least == 0:
            return gettext("Choose up to %(most)s, or leave it to the approval chain", most=most)
        return gettext("Choose %(least)s to %(most)s people", least=least, most=most)


def picking(connection: sa.Connection, asked: Asked, but: Sequence[str], field: str = "", before: Sequence[str] = ()) -> Picking:
    """The list for a step, with what was chosen and searched on the page. `but`: ids of who cannot be chosen; `before`: who was chosen
    before the page was first opened."""
    field = field or asked.field
    today = directory.day(services().clock.now())
    chosen = list(dict.fromkeys(request.form.getlist(field) if request.form else before))[:MOST]
    words = request.form.get(f"find.{field}", "")[:100]
    searched = asked.pool is None or len(asked.pool) > MOST
    people: list[Any] = []
    for person in chosen if searched else list(asked.pool or ()):
        try:
            people.append(directory.display(connection, person, today))
        except NotFound:
            continue
    if searched:
        people += directory.search(connection, words, today, but=sorted({*but, *chosen}), among=asked.pool, limit=MOST)
    return Picking(asked=asked, field=field, find=f"find.{field}", words=words, people=people, chosen=chosen, searched=searched)


@dataclass(frozen=True, kw_only=True)
class Pick:
    """A field of a form for a person, or for several."""

    #: names of the form's fields for the people, and for the words that are searched
    field: str
    find: str
    words: str
    #: who is chosen, then whom the words find
    people: Sequence[Any]
    #: ids
    chosen: Sequence[str]
    many: bool


def pick(field: str, chosen: Sequence[str] = (), *, but: Sequence[str] = (), many: bool = False) -> Pick:
    """The field as the page shows it. `chosen`: ids; `but`: ids of who cannot be chosen."""
    today = directory.day(services().clock.now())
    words = request.form.get(f"find.{field}", "").strip()[:100]
    if not words and not chosen:
        return Pick(field=field, find=f"find.{field}", words="", people=[], chosen=[], many=many)
    with services().database.reading() as connection:
        known = {one["id"]: one for one in directory.displays(connection, chosen, today)}
        found = directory.search(connection, words, today, but=sorted({*but, *chosen}), limit=MOST) if words else []
    kept = [known[person] for person in dict.fromkeys(chosen) if person in known]
    return Pick(field=field, find=f"find.{field}", words=words, people=[*kept, *found], chosen=[one["id"] for one in kept], many=many)


def said(field: str) -> str:
    """What a form says of one person: who was chosen, or else the words by which one was looked for."""
    return request.form.get(field, request.form.get(f"find.{field}", "")).strip()[:200]


def chosen() -> dict[str, dict[str, list[str]]]:
    """What the page of a start sends: ids by chain and step."""
    found: dict[str, dict[str, list[str]]] = {}
    for name in request.form:
        kind, _, place = name.partition(".")
        chain, _, step = place.partition(".")
        if kind == "chosen" and step:
            found.setdefault(chain, {})[step] = request.form.getlist(name)
    return found
