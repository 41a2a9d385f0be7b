"""What outside systems are told of cases: which events, what of them, and what becomes of those that do not arrive."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

import jsonschema_rs
import pytest
import sqlalchemy as sa
from chat_services import SECRET, listening
from engine_room import Room, line, person
from flask import Flask
from twins import Listening

from connectors.webhook import Webhook
from engine import announcing, cases
from engine.announcing import OFFERED
from engine.errors import NotAllowed, NotFound, Refused, SettingWrong, TryAgain
from engine.models import Case, Job
from engine.ports import Listener
from engine.services import Services
from webapp import api


def room_with(services: Services, *listeners: Any) -> Room:
    return Room(dataclasses.replace(services, listeners=announcing.checked({one.listener: one for one in listeners})))


def names(desk: Listening) -> list[str]:
    """What was told since the last look, in order of the ledger."""
    told = sorted((one.number, one.event) for each in desk.told for one in each.events)
    desk.told.clear()
    return [event for _, event in told]


def test_notification_webhook_tells_what_happened_by_name_and_id(services: Services) -> None:
    """前置/后置通知 webhook (notification webhook): the events that were asked for, with the case, the item and who did it."""
    desk = Listening("case:started", "work:item:*", "case:closed")
    room = room_with(services, desk)
    room.deploy(*line("a"))
    case = room.start(by="boss")
    item = room.item(case, "a")
    room.run()
    [begun] = desk.told
    assert isinstance(desk, Listener) and begun.case == case and begun.number == room.case(case).number
    assert (begun.procedure, begun.version, begun.status, begun.outcome, begun.actor) == ("test", 1, "running", None, person("boss"))
    assert begun.link.endswith(f"/cases/{case}") and begun.title == ""
    assert [(one.event, one.item) for one in begun.events] == [("case:started", None), ("work:item:opened", item)]
    assert names(desk) == ["case:started", "work:item:opened"]
    room.complete(case, "a")
    room.run()
    [ended] = desk.told
    assert (ended.status, ended.outcome, ended.actor) == ("closed", "completed", person("hr"))
    assert [one.number for one in ended.events] == sorted(
        entry.number for entry in room.entries(case) if entry.event in {one.event for one in ended.events} and entry.number > 2
    )
    assert names(desk) == ["work:item:completed", "case:closed"]


def test_notification_webhook_keeps_names_to_ourselves(services: Services) -> None:
    """前置/后置通知 webhook: nothing that is told names a person, unless the title was asked for."""
    quiet, open_one = Listening("*"), Listening("*", titles=True, listener="open")
    room = room_with(services, quiet, open_one)
    room.deploy(*line("a"))
    case = room.start(by="boss")
    room.run()
    everything = json.dumps([dataclasses.asdict(one) for one in quiet.told], default=str, ensure_ascii=False)
    assert not set("陈林王张") & set(everything)
    assert {one.title for one in open_one.told} == {room.case(case).title} and room.case(case).title not in everything


def test_notification_webhook_tells_only_of_its_procedures(services: Services) -> None:
    """前置/后置通知 webhook: who listens to one procedure hears of no other, and nothing is written for them."""
    desk = Listening("*", procedures=("other",))
    room = room_with(services, desk)
    room.deploy(*line("a"))
    room.start()
    assert room.run() == 0 and desk.told == [] and room.count(Job) == 0
    room.deploy(*line("a"), procedure="other")
    room.start(procedure="other")
    room.run()
    assert {one.procedure for one in desk.told} == {"other"}


def test_notification_webhook_repeats_under_the_same_key_and_stops_no_case(services: Services) -> None:
    """前置/后置通知 webhook: a fault is tried again later, the case goes on meanwhile, and no incident comes of it."""
    desk = Listening("work:*")
    desk.answers = [TryAgain(system="desk", operation="event", reason="it reported a fault: 503", after=30), None]
    room = room_with(services, desk)
    room.deploy(*line("a", "b"))
    case = room.start()
    [job] = room.jobs(case)
    room.run()
    assert desk.told == []
    room.complete(case, "a")
    room.clock.move(minutes=5)
    room.run()
    assert len({one.key for one in desk.told}) == 2 and job.key in {one.key for one in desk.told}
    assert [(one.result, one.reason) for one in room.attempts(case) if one.job_id == job.id] == [
        ("try_again", "it reported a fault: 503"),
        ("done", ""),
    ]
    assert room.incidents(case) == [] and "job:operation:failed" not in room.events(case)


def test_notification_webhook_that_was_refused_is_seen_and_sent_again(services: Services) -> None:
    """前置/后置通知 webhook: administrators see it with its reason, they alone send it again, twice does no harm."""
    desk = Listening("case:started")
    desk.answers = [Refused(system="desk", operation="event", reason="it refused the request: 400"), None]
    room = room_with(services, desk)
    room.deploy(*line("a"))
    case = room.start()
    room.run()

    def failed() -> list[Any]:
        with services.database.reading() as connection:
            return list(announcing.rows(connection))

    [row] = failed()
    assert (row.operation, row.number, row.reason) == ("desk", room.case(case).number, "it refused the request: 400")
    with pytest.raises(NotAllowed):
        announcing.send_again(room.services, row.id, by=person("hr"))
    with pytest.raises(NotFound):
        announcing.send_again(room.services, "0" * 32, by=person("admin"))
    for _ in range(2):
        announcing.send_again(room.services, row.id, by=person("admin"))
    room.run()
    announcing.send_again(room.services, row.id, by=person("admin"))
    assert room.run() == 0 and len(desk.told) == 1 and failed() == []
    assert [one.result for one in room.attempts(case)] == ["refused", "done"]


def test_notification_webhook_is_told_of_what_a_suspended_or_cancelled_case_did(services: Services) -> None:
    """前置/后置通知 webhook: what happened is told whatever became of the case; an act that fails is not told at all."""
    desk = Listening("case:*")
    room = room_with(services, desk)
    room.deploy(*line("a"))
    case = room.start()
    room.manage(cases.suspend, case)
    room.run()
    assert names(desk) == ["case:started", "case:suspended"]
    room.manage(cases.resume, case)
    with pytest.raises(NotAllowed):
        room.complete(case, "a", by="boss")
    room.complete(case, "a")
    room.run()
    assert names(desk) == ["case:resumed", "case:closed"]


def test_a_system_that_is_set_up_no_more_is_told_to_administrators(services: Services) -> None:
    """What was to be told to a connector that is gone fails once, with the reason."""
    room = room_with(services, Listening("*"))
    room.deploy(*line("a"))
    room.start()
    gone = Room.restarted(room)
    gone.services = dataclasses.replace(gone.services, listeners={})
    gone.run()
    with services.database.reading() as connection:
        [row] = announcing.rows(connection)
    assert row.reason == "no connector offers it any more"


@pytest.mark.parametrize("wanted", ["case:finished", "evidence:document:read", "work:copy:read", "job:*"])
def test_unknown_events_are_refused_at_the_start(wanted: str) -> None:
    """A misspelt event, or one that nobody is told, is named with those that there are."""
    with pytest.raises(SettingWrong, match=r"connectors\.desk\.events.*case:started"):
        announcing.checked({"desk": Listening("work:*", wanted)})
    assert len(OFFERED) > 40


def webhook(address: str, **options: Any) -> Webhook:
    given = {"base_url": f"{address}/hook", "secret": SECRET, "events": ["*"], "notices": False, "headers": {"X-Desk": "7"}}
    return Webhook("desk", {**given, **options})


def test_a_webhook_posts_what_the_description_says(services: Services) -> None:
    """Signed over its bytes, with the key and the headers of the settings; the body fits the schema that programs can read."""
    with listening(lambda: services.clock.now().timestamp()) as there:
        desk = webhook(there.address)
        assert desk.channel == "" and isinstance(desk, Listener)
        room = room_with(services, desk)
        room.deploy(*line("a"))
        case = room.start()
        room.run()
        [taken] = there.taken
    assert taken.pop("desk") == "7" and taken.pop("idempotency") == taken["key"] and taken["case"] == case
    app = Flask("described")
    api.init_app(app)
    with app.test_request_context():
        document = api.description.description(app)
    body = document["webhooks"]["events"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema_rs.validate({**body, "components": document["components"]}, taken)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"events": "case:*"}, "events"),
        ({"events": [7]}, "events"),
        ({"procedures": [""]}, "procedures"),
        ({"headers": {"Idempotency-Key": "x"}}, r"headers\.Idempotency-Key"),
        ({"headers": {"X-Desk": "a\nb"}}, r"headers\.X-Desk"),
        ({"body": {"a": [{"b": "Case {nummer}"}]}}, r"body\.a\.0\.b is wrong: there is no such placeholder.*\{nummer\}; .*number"),
        ({"body": {"a": "{number!r}"}}, r"body\.a is wrong: there is no such placeholder"),
        ({"body": {"a": "{case.__class__}"}}, r"body\.a is wrong: there is no such placeholder"),
        ({"body": {"a": "{number"}}, r"body\.a is wrong: a brace"),
        ({"body": {"a": "of {events}"}}, r"body\.a is wrong: this placeholder is no text"),
        ({"body": {"a": "{title}"}}, r"body is wrong: the title is told only"),
        ({"body": {"a": dt.date(2026, 11, 24)}}, r"body\.a is wrong: JSON has texts"),
        ({"body": {"a": [float("inf")]}}, r"body\.a\.0 is wrong: JSON has no nan and no inf"),
    ],
)
def test_wrong_settings_of_a_webhook_are_named(options: Any, named: str) -> None:
    """A list that is none, a header that would replace ours or end the head."""
    with pytest.raises(SettingWrong, match=rf"connectors\.desk\.{named}"):
        webhook("http://127.0.0.1:1", **options)


def test_notification_webhook_posts_a_body_of_ones_own(services: Services) -> None:
    """前置/后置通知 webhook: placeholders become values of their kind, signed as they are sent; what is told changes no shape."""
    own = {
        "msg": {"text": "{title}: {event}, {outcome}", "plain": "{{number}}"},
        "version": "{version}",
        "ended": "{outcome}",
        "all": ["{events}", 7],
    }
    with listening(lambda: services.clock.now().timestamp()) as there:
        room = room_with(services, webhook(there.address, body=own, titles=True, events=["case:started"]))
        room.deploy(*line("a"))
        case = room.start()
        room.write(sa.update(Case).where(Case.id == case).values(title='"}, "x": {"{number}\n'))
        room.run()
        [taken] = there.taken
    assert taken["msg"] == {"text": '"}, "x": {"{number}\n: case:started, ', "plain": "{number}"}
    assert (taken["version"], taken["ended"], taken["all"][0][0]["event"], taken["all"][1]) == (1, None, "case:started", 7)
    assert set(taken) == {*own, "idempotency", "desk"}


def test_an_answer_without_a_body_is_enough_for_events(services: Services) -> None:
    """Whoever takes events answers with a status; one who answers a fault is asked again."""
    with listening(lambda: services.clock.now().timestamp()) as there:
        there.plan = [503]
        room = room_with(services, webhook(there.address))
        room.deploy(*line("a"))
        case = room.start()
        room.run()
        room.clock.move(hours=1)
        room.run()
        assert len(there.taken) == 1
    assert room.values(sa.select(Job.state).where(Job.case_id == case)) == ["done"]
    assert [one.result for one in room.attempts(case)] == ["try_again", "done"]
