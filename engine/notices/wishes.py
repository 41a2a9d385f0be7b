"""What people wish: which channels for which kind, together once a day or at once, and when nothing but the urgent."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..calendar import FARTHEST, Calendar
from ..errors import CalendarUnknown, FormInvalid, NotFound
from ..models import EVERYBODY, ForeignId, NoticeWish, Person
from ..people import directory
from ..ports import Notifier
from .kinds import KINDS

if TYPE_CHECKING:
    from ..services import Services

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What one person wishes, or everybody by default. Times are HH:MM at the company's place."""

    #: kind -> names of channels; a kind that is not there: the default
    channels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    digest_at: str | None = None
    quiet_from: str | None = None
    quiet_to: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reachable:
    """Somebody who works here, what they wish, and where they can be reached."""

    person: str
    wish: Wish
    #: what each channel calls them; "" for a channel to a group in which they cannot be named. Others are not there
    addresses: Mapping[str, str]

    def channels(self, kind: str, notifiers: Mapping[str, Notifier], default: Wish) -> list[str]:
        """By which channels they are told this kind: their own wish, else the default, else the first that reaches them alone."""
        chosen = self.wish.channels.get(kind, default.channels.get(kind))
        if chosen is None:
            chosen = [name for name in self.addresses if notifiers[name].reaches != "group"][:1]
        return [name for name in chosen if name in self.addresses]


def moment(kind: str, wish: Wish, now: dt.datetime, calendar: Calendar) -> tuple[dt.datetime, bool]:
    """When a notice of this kind is sent to somebody who wishes so, and whether together with others.

    No calendar keeps a case from going on: a day of a year that it does not know yet counts as worked, and by one without working
    days everything is told at once.
    """
    if KINDS[kind].urgent:
        return now, False
    local = now.astimezone(calendar.days.zone)
    if wish.digest_at:
        for days in range(FARTHEST):
            date = local.date() + dt.timedelta(days=days)
            at = dt.datetime.combine(date, dt.time.fromisoformat(wish.digest_at), calendar.days.zone).astimezone(dt.UTC)
            if at >= now and _worked(calendar, date):
                return at, True
    elif wish.quiet_from and wish.quiet_to:
        begins, ends, clock = wish.quiet_from, wish.quiet_to, f"{local:%H:%M}"
        quiet = begins <= clock < ends if begins < ends else clock >= begins or clock < ends
        if quiet:
            date = local.date() + dt.timedelta(days=clock >= ends)
            return dt.datetime.combine(date, dt.time.fromisoformat(ends), calendar.days.zone).astimezone(dt.UTC), True
    return now, False


def _worked(calendar: Calendar, date: dt.date) -> bool:
    try:
        return bool(calendar.day(date).shifts)
    except CalendarUnknown:
        return True


# --- stored


def of(connection: sa.Connection, person: str) -> Wish | None:
    """What a person wishes, or `EVERYBODY` by default; None where nothing is stored."""
    row = connection.execute(sa.select(NoticeWish.__table__).where(NoticeWish.person_id == person)).one_or_none()
    return _wish(row) if row else None


def keep(services: Services, person: str, wish: Wish) -> None:
    """Store what a person wishes, or `EVERYBODY` by default. Raises NotFound for a kind or channel, FormInvalid naming the time."""
    for kind, channels in wish.channels.items():
        if kind not in KINDS:
            raise NotFound(what="kind of notice", name=kind)
        for channel in channels:
            if channel not in services.notifiers:
                raise NotFound(what="channel", name=channel)
    times = {"digest_at": wish.digest_at, "quiet_from": wish.quiet_from, "quiet_to": wish.quiet_to}
    for name, time in times.items():
        if time is not None and not _TIME.fullmatch(time):
            raise FormInvalid({name: ["Give a time such as 09:00."]})
    if (wish.quiet_from is None) != (wish.quiet_to is None) or (wish.quiet_from and wish.quiet_from == wish.quiet_to):
        raise FormInvalid({"quiet_to": ["Quiet hours need a beginning and another time as their end."]})
    chosen = {kind: list(names) for kind, names in wish.channels.items()}
    with services.database.unit() as unit:
        unit.connection.execute(sa.delete(NoticeWish).where(NoticeWish.person_id == person))
        unit.add(NoticeWish, person_id=person, channels=chosen, **times)
        unit.commit()


def forget(services: Services, person: str) -> None:
    """Tell a person as the default says."""
    with services.database.unit() as unit:
        unit.connection.execute(sa.delete(NoticeWish).where(NoticeWish.person_id == person))
        unit.commit()


def reachable(
    connection: sa.Connection, persons: Collection[str], notifiers: Mapping[str, Notifier], on: dt.date
) -> tuple[list[Reachable], Wish]:
    """Those of the persons who work here on a day, with what they wish; and the default."""
    known = connection.execute(sa.select(Person.id, Person.email).where(Person.id.in_(persons), directory.here(on))).all()
    wishes = connection.execute(sa.select(NoticeWish.__table__).where(NoticeWish.person_id.in_([*persons, EVERYBODY]))).all()
    foreign: dict[tuple[str, str], str] = {}
    if systems := {one.system for one in notifiers.values() if one.reaches != "mail"}:
        named = sa.select(ForeignId.__table__).where(ForeignId.person_id.in_(persons), ForeignId.system.in_(systems))
        foreign = {(row.person_id, row.system): row.foreign_id for row in connection.execute(named)}
    by_person = {row.person_id: _wish(row) for row in wishes}
    default = by_person.get(EVERYBODY, Wish())
    found = []
    for row in sorted(known, key=lambda one: str(one.id)):
        addresses = {}
        for name, notifier in notifiers.items():
            address = row.email if notifier.reaches == "mail" else foreign.get((row.id, notifier.system))
            if address or notifier.reaches == "group":
                addresses[name] = address or ""
        found.append(Reachable(person=row.id, wish=by_person.get(row.id, default), addresses=addresses))
    return found, default


def _wish(row: object) -> Wish:
    return Wish(**{name: getattr(row, name) for name in ("channels", "digest_at", "quiet_from", "quiet_to")})
