"""The calendar of due times that calendar programs read."""

from __future__ import annotations

import re

import icalendar
import pytest
import sqlalchemy as sa
from engine_room import Room, person
from test_sign_offs import begin
from test_standing_steps import step
from web_office import Office

from engine import feeds
from engine.models import Person
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def entries(room: Room, secret: str) -> list[feeds.Entry]:
    feed = feeds.read(room.services, secret)
    return [] if feed is None else [*feed.entries]


def test_what_is_due_is_told_to_whoever_has_the_address(room: Room) -> None:
    """Own open work with a due time and nothing else; whom it is about only where the person wants that."""
    begin(room, step("a", "hr", limit_days=2), step("b", "head"))
    secret = feeds.renew(room.services, person("hr"), names=False)
    [entry] = entries(room, secret)
    assert entry.subject is None and entry.name and entry.due_at > entry.opened_at
    assert entries(room, feeds.renew(room.services, person("head"), names=True)) == []
    assert feeds.read(room.services, secret), "one person's address is none of another's"
    second = feeds.renew(room.services, person("hr"), names=True)
    assert feeds.read(room.services, secret) is None
    [entry] = entries(room, second)
    assert entry.subject == "林小北"
    with room.services.database.reading() as connection:
        assert feeds.since(connection, person("hr")) == room.clock.now() and feeds.since(connection, person("boss")) is None
    room.write(sa.update(Person).where(Person.id == person("hr")).values(active=False))
    assert feeds.read(room.services, second) is None
    room.write(sa.update(Person).where(Person.id == person("hr")).values(active=True))
    feeds.end(room.services, person("hr"))
    assert feeds.read(room.services, second) is None


def test_a_calendar_program_reads_it(office: Office) -> None:
    """Made on the person's page, read without a log-in, unchanged while nothing changes; a wrong address is like no address."""
    item = office.open_item(office.case())
    hr = office.browser("wangfang")
    assert office.post(hr, f"/items/{item}/claim").status_code == 302
    page = office.post(hr, "/account/calendar").text
    [address] = re.findall(r"<code>http://[^/]+(/calendar/[\w-]+\.ics)</code>", page)
    anybody = office.app.test_client()
    answer = anybody.get(address)
    assert answer.status_code == 200 and answer.mimetype == "text/calendar"
    [event] = icalendar.Calendar.from_ical(answer.data).events
    assert "面谈记录" in event["summary"] and "林小北" not in event["summary"] and item in event["url"]
    assert event.start == event.end and event.alarms
    again = anybody.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    named = office.post(hr, "/account/calendar", {"names": "1"}).text
    [address] = re.findall(r"<code>http://[^/]+(/calendar/[\w-]+\.ics)</code>", named)
    assert "林小北" in anybody.get(address).text
    assert ".ics" not in hr.get("/account/calendar").text
    assert office.post(hr, "/account/calendar/end").status_code == 302
    assert anybody.get(address).status_code == anybody.get("/calendar/x.ics").status_code == 404
