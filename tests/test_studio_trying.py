"""Try it: a draft tried by hand in the browser's pages, as anybody, and written down as a scenario."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from diagrams import boxes
from engine_room import together
from scenario_files import HEAD, chosen
from twins import ScriptedOperation
from web_office import Office, token

from engine import deploying
from engine.letters.operations import RenderLetter
from engine.studio import drafts
from engine.studio.scenarios import running
from webapp import server
from webapp.demo import sandboxes

MAIN = "/studio/probe"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An installation with a procedure of one step and a push, whose operations must not be called."""
    with Office(tmp_path) as made:
        outside = ScriptedOperation("mail.send", "payroll.stop_housing_fund")
        made.equip(operations={**made.services.operations, **dict.fromkeys(outside.names, outside)})
        files = {path: boxes(content) if path.endswith(".bpmn") else content for path, content in chosen().items()}
        deploying.deploy(made.services, files, procedure="probe")
        yield made
        assert outside.calls == []


class Desk:
    """A manager who tries the procedure."""

    def __init__(self, office: Office, login: str = "admin") -> None:
        self.client = office.browser(login, "en")

    def page(self, address: str = "try") -> str:
        answer = self.client.get(address if address.startswith("/") else f"{MAIN}/{address}")
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def post(self, address: str, expected: int = 302, source: str = "", **data: Any) -> Any:
        """`source`: the page that has the form, unless it is known by the address."""
        at = address if address.startswith("/") else f"{MAIN}/{address}"
        source = source or (at.removesuffix("/complete") if at.startswith(f"{MAIN}/try/as/") else f"{MAIN}/try")
        answer = self.client.post(at, data={"csrf_token": token(self.client, source), **data}, content_type="multipart/form-data")
        assert answer.status_code == expected, answer.text
        return answer

    def begin(self) -> None:
        """The sandbox, and the case that 陈立 begins about 林小北."""
        start = self.post("try", subject="KF-017", initiator="KF-002").headers["Location"]
        assert self.post(start).headers["Location"] == f"{MAIN}/try"

    def step(self, name: str = "王芳") -> str:
        """Where somebody acts on the open step."""
        found = re.search(rf'href="([^"]+/items/[0-9a-f]+)"[^>]*>(?:<svg.*?</svg>)?Act as {name}', self.page(), re.DOTALL)
        assert found is not None, self.page()
        return found[1]


def test_a_case_is_tried_from_its_start_to_its_end_and_recorded(office: Office) -> None:
    """With the product's own forms, as the people of the sample company; one click makes a scenario of it that passes."""
    desk = Desk(office)
    assert "林小北" in desk.page() and "Nobody has anything" not in desk.page()
    desk.begin()
    page = desk.page()
    assert "Act as 王芳" in page and "查看" in page and 'class="diagram"' in page
    item = desk.step()
    form = desk.page(item)
    assert "Back to the sandbox" in form and 'name="verdict"' in form and "/log-out" not in form
    refused = desk.post(f"{item}/complete", 422, why="没有填结论")
    assert "This is required" in refused.text or "required" in refused.text.lower()
    sent = desk.post(f"{item}/complete", verdict="stop", why="依据充分")
    assert sent.headers["Location"] == f"{MAIN}/try"
    page = desk.page()
    assert "the case is over" in page and "payroll.stop_housing_fund" in page

    recorded = desk.post("try/record", name="停缴后办结").headers["Location"]
    listed = desk.page(recorded)
    assert "Recorded as scenarios/recorded-" in listed and "played once, it passes" in listed
    files = drafts.contents(office.services, "probe", actor=office.people["admin"])
    [path] = [path for path in files if path.startswith("scenarios/recorded-")]
    text = files[path].decode()
    assert "name: 停缴后办结" in text and "by: 王芳" in text and "verdict: stop" in text and "ended: completed" in text
    [outcome] = running.run_all(sandboxes.of_installation(office.services), files, procedure="probe")
    assert outcome.passed and len(outcome.results) == 3


def test_time_moves_forward_only_and_timers_fire(office: Office) -> None:
    """To the next due time, by a working day, to a moment; what lies behind changes nothing, what is no moment is refused."""
    desk = Desk(office)
    desk.begin()
    desk.post("try/time", how="next")
    assert "mail.send" in desk.page()
    desk.post("try/time", how="moment", moment="2000-01-01T10:00")
    desk.post("try/time", 400, how="moment", moment="soon")
    before = re.findall(r"<strong>([^<]*\d{4}[^<]*)</strong>", desk.page())[:1]
    desk.post("try/time", how="day")
    assert re.findall(r"<strong>([^<]*\d{4}[^<]*)</strong>", desk.page())[:1] != before


def test_calls_wait_for_an_answer_by_hand_or_fail(office: Office) -> None:
    """With the sample company's answer proposed; a failure is an incident that a manager repairs; all of it is recorded."""
    desk = Desk(office)
    desk.begin()
    desk.post("try/by-hand", wanted="yes")
    desk.post(f"{desk.step()}/complete", verdict="stop")
    page = desk.page()
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None and "HF-" in page and "What it answers" in page
    desk.post("try/answer", 400, key=key[1], value="{no json")
    desk.post("try/answer", 404, key="another", value="{}")
    desk.post("try/answer", key=key[1], fails="refused")
    page = desk.page()
    assert "Repair it" in page and "sandbox" in page
    desk.post("try/record", name="对方拒绝")
    files = drafts.contents(office.services, "probe", actor=office.people["admin"])
    [text] = [content.decode() for path, content in files.items() if path.startswith("scenarios/recorded-")]
    assert "payroll.stop_housing_fund: refused" in text and "incidents:" in text
    [outcome] = running.run_all(sandboxes.of_installation(office.services), files, procedure="probe")
    assert outcome.passed, outcome.failed


def test_a_sandbox_survives_a_restart_and_two_tabs(office: Office) -> None:
    """Another process finds it as it was; a step completed in one tab is told to be done in the other, and nothing breaks."""
    desk = Desk(office)
    desk.begin()
    item = desk.step()
    office.equip()
    again = Desk(office)
    assert again.step() == item
    again.post(f"{item}/complete", verdict="x")
    assert again.post(f"{item}/complete", 409, verdict="y").status_code == 409
    assert "the case is over" in again.page()
    again.post("try/over")
    assert "Begin the sandbox" in again.page()
    again.client.get(item, follow_redirects=False)
    assert again.client.get(item).status_code == 404


def test_two_tabs_at_once_do_a_step_once(office: Office) -> None:
    """Of two who send the same step at the same moment one does it and the other is told; time moved twice at once is moved."""
    desk = Desk(office)
    desk.begin()
    item = desk.step()
    tabs = [Desk(office), Desk(office)]
    sent = [(tab.client, token(tab.client, item), token(tab.client, f"{MAIN}/try")) for tab in tabs]

    def complete(client: Any, own: str) -> int:
        return int(client.post(f"{item}/complete", data={"csrf_token": own, "verdict": "x"}).status_code)

    def wait(client: Any, own: str) -> int:
        return int(client.post(f"{MAIN}/try/time", data={"csrf_token": own, "how": "day"}).status_code)

    assert sorted(together(*(lambda c=client, o=own: complete(c, o) for client, own, _ in sent))) == [302, 409]
    assert together(*(lambda c=client, o=own: wait(c, o) for client, _, own in sent)) == [302, 302]
    assert "the case is over" in desk.page()


def test_a_sandbox_is_for_those_who_design_the_procedure_and_holds_nothing_else(office: Office) -> None:
    """Others see none; pages that belong to no case, or to nobody of its company, are not there."""
    desk = Desk(office)
    desk.begin()
    other = office.browser("wangfang", "en")
    assert other.get(f"{MAIN}/try").status_code == 403 and other.get(desk.step()).status_code == 403
    mount = desk.step().rpartition("/items/")[0]
    for path in ("account", "people", "studio", "chains", "tokens", "api/v1/inbox", "procedures", "log-in"):
        assert desk.client.get(f"{mount}/{path}").status_code == 404, path
    assert desk.client.get(f"{MAIN}/try/as/{'0' * 32}/").status_code == 404
    forged = desk.client.post(f"{desk.step()}/complete", data={"verdict": "x"})
    assert forged.status_code == 400 and "Act as 王芳" in desk.page()


def test_a_draft_with_faults_is_not_tried(office: Office) -> None:
    """What must be repaired first is told where one would begin."""
    from engine.studio import changing

    files = drafts.contents(office.services, "probe", actor=office.people["admin"])
    broken = files["test.bpmn"].replace(b'type="payroll.stop_housing_fund"', b'type="payroll.nonsense"')
    changing.save(office.services, "probe", "test.bpmn", broken, revision=0, actor=office.people["admin"])
    refused = Desk(office).post("try", 422, subject="KF-017", initiator="KF-002")
    assert "payroll.nonsense" in refused.text and "cannot be tried" in refused.text


def test_the_page_of_scenarios_plays_them(office: Office) -> None:
    """All of them or one, with the act that fails by its line, and what they pass on the diagram."""
    from engine.studio import changing

    desk = Desk(office)
    assert "There is no scenario yet" in desk.page("scenarios")
    for name, text in (("good", "then: {open: [查看]}"), ("bad", "then: {open: []}")):
        content = f"{HEAD.replace('试一试', name)}{text}".encode()
        changing.save(office.services, "probe", f"scenarios/{name}.yaml", content, revision=None, actor=office.people["admin"])
    assert "does not pass" not in desk.page("scenarios")
    played = desk.post("scenarios", 200).text
    assert "1 does not pass" in played and "line 4" in played and "2 of 9 elements, 1 of 7 flows passed" in played
    assert "open steps: expected –, found 查看" in played
    alone = desk.post("scenarios?only=scenarios/good.yaml", 200).text
    assert "1 passes" in alone and "does not pass" not in alone


def test_a_sandbox_that_nobody_touches_is_forgotten_by_itself(office: Office) -> None:
    """What was typed into it stays no longer than a day, also where nobody begins another one."""
    desk = Desk(office)
    desk.begin()
    home = office.services.settings.home
    [file] = home.glob("tries/*/*/*.db")
    sweeper = server.sweeper(office.services)
    assert sweeper.sweep()
    assert file.exists()
    os.utime(file, (time.time() - 2 * 24 * 3600,) * 2)
    assert sweeper.sweep()
    sweeper.stop()
    assert not list(home.glob("tries/*/*/*.db*")) and "KF-017" in desk.page()


def test_nothing_printed_in_a_sandbox_looks_genuine(office: Office) -> None:
    """The record of approvals says so on its page and across each page of the PDF; the same one of a real case does not."""
    desk = Desk(office)
    desk.begin()
    case = re.search(r"/cases/([0-9a-f]{32})", desk.page(desk.step()))
    person = re.search(r"/try/as/([0-9a-f]{32})/", desk.step())
    assert case is not None and person is not None
    at = f"{MAIN}/try/as/{person[1]}/cases/{case[1]}/approvals"
    assert f'<div class="sandbox-mark" aria-hidden="true">{sandboxes.MARK}</div>' in desk.page(at)
    made = desk.client.get(f"{at}.pdf").data
    with pypdfium2.PdfDocument(io.BytesIO(made)) as document:
        assert len(document) and all(sandboxes.MARK in page.get_textpage().get_text_range() for page in document)
    assert sandboxes.MARK not in desk.page("/inbox")


def test_letters_made_in_a_sandbox_carry_its_mark() -> None:
    """Whatever their format: they are stored as any letter is."""
    worlds = sandboxes.of_files()
    for renderer in (worlds.around.renderer, *(one._renderer for one in worlds.around.own(dict) if isinstance(one, RenderLetter))):
        made = renderer.render("第一页 #pagebreak() 第二页", {"date": [2026, 11, 24]})
        with pypdfium2.PdfDocument(io.BytesIO(made)) as document:
            assert [sandboxes.MARK in page.get_textpage().get_text_range() for page in document] == [True, True]
