"""What is logged: ids and places, for people or machines, and never anything about anybody."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from installation import installed
from sample_company import SampleCompany
from web_office import PASSWORD, Office

from engine import errors, incidents, observe
from engine.models import Case, Incident, new_id
from engine.turn import state_purpose
from webapp import create_app, logs
from webapp.demo import roster

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written() -> Iterator[Lines]:
    """What was logged so far, as JSON, with everything said that can be said."""
    root, ended = logging.getLogger(), threading.excepthook
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    logs.configure(form="json", verbose=True, out=out)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers, threading.excepthook = handlers, ended
    root.setLevel(level)


def test_a_line_is_json_with_the_ids_of_what_it_is_about(written: Lines) -> None:
    """Event, level, logger, time, and the ids bound around it; outside they are gone."""
    with observe.within("job", job="j1", case="c1"):
        logging.getLogger("engine.jobs").warning("job %s is late", "j1")
    logging.getLogger("engine.jobs").info("nothing to do")
    inside, outside = written()
    assert {**inside, "timestamp": ""} == {
        "event": "job j1 is late",
        "level": "warning",
        "logger": "engine.jobs",
        "timestamp": "",
        "job": "j1",
        "case": "c1",
    }
    assert "case" not in outside and outside["level"] == "info"


def test_at_a_console_a_line_is_for_people() -> None:
    """No JSON, no colours, the ids behind."""
    root, handlers, level, ended = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level, threading.excepthook
    out = io.StringIO()
    logs.configure(form="console", verbose=False, out=out)
    with observe.within("job", job="j1"):
        logging.getLogger("engine.jobs").warning("late")
        logging.getLogger("engine.jobs").info("not said")
    root.handlers, threading.excepthook = handlers, ended
    root.setLevel(level)
    [line] = out.getvalue().splitlines()
    assert "[warning  ] late" in line and "job=j1" in line and "\x1b" not in line


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("林小北"), "ValueError"),
        (errors.AlreadyDecided(who="林小北", when="now"), "AlreadyDecided: This was already decided by {who} at {when}."),
        (ConnectionRefusedError(111, "Connection refused", "/home/林小北"), "ConnectionRefusedError: Connection refused"),
        (sa.exc.OperationalError("SELECT '林小北'", {"name": "林小北"}, Exception("林小北")), "OperationalError"),
    ],
)
def test_an_exception_is_told_without_its_words(written: Lines, error: Exception, said: str) -> None:
    """Kind, harmless cause and places, also of the exception behind it."""
    try:
        try:
            raise KeyError("林小北")
        except KeyError as cause:
            raise error from cause
    except Exception:
        logging.getLogger("engine.jobs").exception("it failed")
    [line] = written()
    assert line["exception"].startswith(said) and line["exception"].endswith(" < KeyError")
    assert line["at"][-1].startswith("tests/test_logs.py:") and "林小北" not in json.dumps(line, ensure_ascii=False)


def test_a_thread_that_ends_by_an_exception_is_logged_the_same_way(written: Lines) -> None:
    """Python's own way would print the exception with its words."""

    def fail() -> None:
        raise ValueError("林小北")

    thread = threading.Thread(target=fail, name="web")
    thread.start()
    thread.join()
    [line] = written()
    assert (line["event"], line["exception"]) == ("the thread web ended", "ValueError")


@pytest.mark.parametrize(
    ("sent", "kept"), [("abcdef-123.45_6", True), ("short", False), ("a" * 65, False), ("evil id here", False), ("李" * 9, False)]
)
def test_a_request_has_an_id_in_its_answer_and_its_lines(written: Lines, office: Office, sent: str, kept: bool) -> None:
    """A proxy's id is taken over if it is one; otherwise there is a new one."""
    answer = office.app.test_client().get("/nowhere?q=chenli", headers={"X-Request-Id": sent.encode().decode("latin-1")})
    given = answer.headers["X-Request-Id"]
    [line] = written()
    assert (given == sent) is kept and line["request"] == given
    assert line["event"].startswith("GET none 404 in ") and "chenli" not in json.dumps(line)


def test_what_is_logged_of_a_case_names_it_by_id(written: Lines, office: Office) -> None:
    """The address's ids are fields of the line; what was typed in their place is not."""
    case = office.case()
    for given in (case, "linxiaobei"):
        office.browser("wangfang").get(f"/cases/{given}")
    found, typed = (line for line in written() if line.get("endpoint") == "cases.show")
    assert found["case"] == case and found["event"].startswith("GET cases.show 200 in ")
    assert "case" not in typed and "linxiaobei" not in json.dumps(typed)


def test_what_happens_in_a_case_is_a_line_with_its_id(written: Lines, office: Office) -> None:
    """Each committed turn tells its events, of a closed list, and whose request it was."""
    case = office.case()
    line = next(line for line in written() if line["event"].startswith("committed case:started"))
    assert line["case"] == case and line["endpoint"] == "api.start_case" and line["request"]


def test_requests_are_counted_by_endpoint_and_never_by_what_was_sent(office: Office) -> None:
    """Addresses nobody serves and methods nobody knows make one figure each, however many there are."""
    client = office.app.test_client()
    client.get("/log-in")
    for number in range(3):
        client.open(f"/nowhere-{number}", method=f"SPY{number}")
    count = "partwell_request_seconds_count"
    of = {tuple(s.labels.values()) for family in observe.FIGURES.collect() for s in family.samples if s.name == count}
    assert ("GET", "accounts.log_in", "200") in of and ("other", "none", "404") in of
    assert not any("SPY" in value or "nowhere" in value for labels in of for value in labels)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)


def test_no_name_and_no_value_of_a_whole_case_is_logged(written: Lines, company: SampleCompany, tmp_path: Path) -> None:
    """A dismissal from report to notice, looked at by its people, with calls that fail and code that breaks in the middle of it."""
    with installed(tmp_path / "home", company) as partwell:
        services = partwell.services
        web = create_app(services).test_client()
        case = partwell.start_case()

        class Broken:
            names = ("ehr.training",)

            def call(self, call: Any) -> Any:
                raise RuntimeError(f"{call.input} of 林小北")

        sound = services.operations["ehr.training"]
        services.operations["ehr.training"] = Broken()  # type: ignore[index]
        partwell.run_jobs()
        services.operations["ehr.training"] = sound  # type: ignore[index]
        with services.database.reading() as connection:
            incident = connection.execute(sa.select(Incident.id)).scalar_one()
        incidents.retry(services, incident, actor=partwell.person("admin"), reason="已修复", request_id=new_id())
        partwell.play(case, until="serve_notice")
        for login in ("chenli", "wangfang"):
            token = web.post("/api/v1/session", json={"login": login, "password": PASSWORD}).json["token"]
            web.get("/api/v1/inbox", headers={"Authorization": f"Bearer {token}"})
            web.get(f"/api/v1/cases/{case}?note=林小北", headers={"Authorization": f"Bearer {token}"})
        web.post("/api/v1/session", json={"login": "linxiaobei", "password": "wrong"})
        with services.database.reading() as connection:
            row = connection.execute(sa.select(Case.state, Case.version_id).where(Case.id == case)).one()
        state = services.keyring.unseal(row.state, state_purpose(case))
        values = set(_texts(services.programs.get(row.version_id).program.restore(state).variables()))
    about = {text for e in roster.EMPLOYEES.values() for text in (e.name, e.login, e.email, e.id)} | {PASSWORD, "林小北"}
    about |= {text for text in values if len(text) > 3 and not text.isascii()}
    said = json.dumps(written(), ensure_ascii=False)
    assert len(about) > 100 and "RuntimeError" in said and case in said
    assert [text for text in about if text and text in said] == []
