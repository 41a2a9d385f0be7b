"""Who publishes in the browser clicks once: the page shows how far the scenarios are, and leads on to what became of it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import DESK, Visitor
from diagrams import boxes
from flask.testing import FlaskClient
from playwright.sync_api import expect
from scenario_files import HEAD, chosen
from twins import ScriptedOperation
from web_office import PASSWORD, Office, served, token

from engine import deploying, versions
from engine.jobs import Runner
from engine.studio import changing, drafts, exchange
from engine.studio.scenarios import running, verdicts
from webapp import exchanging

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MAIN = "/studio/probe"
GOOD, BAD, LETTER = "scenarios/good.yaml", "scenarios/bad.yaml", "letters/x.txt"
PASSES = f"{HEAD}then: {{open: [查看]}}".encode()
FAILS = f"{HEAD.replace('试一试', '走错')}then: {{open: []}}".encode()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An installation with a procedure that has a scenario, and a draft of it."""
    with Office(tmp_path) as made:
        outside = ScriptedOperation("mail.send", "payroll.stop_housing_fund")
        made.equip(operations={**made.services.operations, **dict.fromkeys(outside.names, outside)})
        files = {path: boxes(content) if path.endswith(".bpmn") else content for path, content in chosen().items()}
        deploying.deploy(made.services, {**files, GOOD: PASSES, LETTER: b"one"}, procedure="probe")
        save(made, LETTER, b"two")
        yield made


@pytest.fixture
def manager(office: Office) -> FlaskClient:
    return office.browser("admin", "zh-CN")


def save(office: Office, path: str, content: bytes) -> int:
    seen = {file.path: file.revision for file in drafts.read(office.services, "probe", actor=None).files}
    return changing.save(office.services, "probe", path, content, revision=seen.get(path), actor=office.people["admin"])


def publish(manager: FlaskClient, **more: str) -> Any:
    page = manager.get(f"{MAIN}/publish").text
    [revision] = re.findall(r'name="revision" value="(\d+)"', page)
    sent = {"csrf_token": token(manager, f"{MAIN}/publish"), "revision": revision, "reason": "措辞更准确", "when": "now", **more}
    return manager.post(f"{MAIN}/publish", data=sent)


def run(office: Office) -> None:
    runner = Runner(office.services, name="test", seal=lambda case: None)
    runner.run_due()
    runner.close()


def active(office: Office) -> int:
    return versions.numbered(office.services, "probe", None).number


def test_the_page_waits_and_leads_on(office: Office, manager: FlaskClient) -> None:
    """By itself, or by a link for who has no JavaScript; meanwhile the draft's pages tell of it, and one may leave."""
    address = publish(manager).headers["Location"]
    assert address.startswith(f"{MAIN}/publications/") and active(office) == 1
    page = manager.get(address).text
    assert "正在运行场景 0/1" in page and f'hx-get="{address}" hx-trigger="every 1s"' in page and f'href="{address}"' in page
    for other in (MAIN, f"{MAIN}/publish"):
        assert "正在运行场景" in manager.get(other).text and address in manager.get(other).text
    again = publish(manager)
    assert again.status_code == 302 and again.headers["Location"] == address
    run(office)
    part = manager.get(address, headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (204, MAIN)
    assert "第 2 版已启用" in manager.get(address, follow_redirects=True).text and active(office) == 2


def test_what_was_played_before_is_published_by_the_click(office: Office, manager: FlaskClient) -> None:
    """Such as on the page of scenarios."""
    at = f"{MAIN}/scenarios"
    assert "通过" in manager.post(at, data={"csrf_token": token(manager, at)}).text
    done = publish(manager)
    assert done.headers["Location"] == MAIN and active(office) == 2


def test_a_scenario_that_fails_is_named_where_one_publishes(office: Office, manager: FlaskClient) -> None:
    """With what was typed; an administrator publishes all the same with a reason of its own; a change of the draft ends the talk of it."""
    save(office, BAD, FAILS)
    address = publish(manager).headers["Location"]
    run(office)
    refused = manager.get(address, follow_redirects=True)
    assert refused.request.path == f"{MAIN}/publish" and "走错" in refused.text and "仍然发布" in refused.text
    assert "措辞更准确" in refused.text
    assert "未能发布" in manager.get(MAIN).text and "走错" in manager.get(MAIN).text
    save(office, LETTER, b"three")
    assert "仍然发布" not in manager.get(f"{MAIN}/publish").text
    again = publish(manager, overriding="1", override="已知问题").headers["Location"]
    run(office)
    assert "第 2 版已启用" in manager.get(again, follow_redirects=True).text
    assert "场景未通过仍发布" in manager.get(MAIN).text


def test_what_was_changed_meanwhile_is_told(office: Office, manager: FlaskClient) -> None:
    """Whoever clicked finds out that nothing was published, and by whom the draft was changed."""
    address = publish(manager).headers["Location"]
    save(office, LETTER, b"three")
    run(office)
    told = manager.get(address, follow_redirects=True).text
    assert "草稿又有改动" in told and active(office) == 1


def test_what_waits_is_withdrawn_by_a_button(office: Office, manager: FlaskClient) -> None:
    """Then it may be published at another time; until then that is refused by name, and the history tells of it."""
    address = publish(manager).headers["Location"]
    other = publish(manager, when="later", at="2099-01-01T09:00")
    assert other.status_code == 409 and "已于" in other.text and "先撤销该次发布" in other.text
    assert "撤销发布" in manager.get(address).text
    sent = {"csrf_token": token(manager, address)}
    done = manager.post(f"{address}/withdraw", data=sent, follow_redirects=True)
    assert done.request.path == MAIN and "该次发布已撤销" in done.text and done.text.count("撤销发布") == 1
    late = manager.post(f"{address}/withdraw", data=sent, follow_redirects=True)
    assert "该次发布已结束" in late.text
    run(office)
    assert active(office) == 1
    again = publish(manager, when="later", at="2099-01-01T09:00").headers["Location"]
    run(office)
    assert "2099年1月1日" in manager.get(again, follow_redirects=True).text


def test_others_see_nothing_of_it(office: Office, manager: FlaskClient) -> None:
    """Neither whoever does not manage the procedure, nor anybody under another name."""
    address = publish(manager).headers["Location"]
    assert office.browser("chenli").get(address).status_code == 403
    assert manager.get(address.replace("/probe/", "/office/")).status_code == 404
    assert manager.get(f"{MAIN}/publications/{'0' * 32}").status_code == 404


def test_a_version_is_activated_after_its_scenarios_passed(office: Office, manager: FlaskClient) -> None:
    """From the page of versions; the way is the same."""
    address = publish(manager, when="later", at="2099-01-01T09:00").headers["Location"]
    run(office)
    assert "2099年1月1日" in manager.get(address, follow_redirects=True).text
    with office.services.database.unit() as unit:
        unit.connection.exec_driver_sql("DELETE FROM scenario_passes")
        unit.commit()
    at = "/procedures/probe/versions/2/activate"
    waits = manager.post(at, data={"csrf_token": token(manager, at), "reason": "提前启用"})
    assert "启用第 2 版" in manager.get(waits.headers["Location"]).text
    run(office)
    assert "第 2 版已启用" in manager.get(waits.headers["Location"], follow_redirects=True).text and active(office) == 2


def test_a_program_asks_what_became_of_it(office: Office) -> None:
    """202 with the address to ask; what fails is told as it would have been answered."""
    client, own = office.program("admin")
    at = "/api/v1/procedures/probe/versions"
    begun = client.post(at, headers={**own, "If-Match": '"1-1"'}, json={"note": "x"})
    assert begun.status_code == 202 and begun.json["number"] is None and begun.json["publication"]["state"] == "waiting"
    assert client.delete(begun.headers["Location"], headers=own).status_code == 204
    assert client.delete(begun.headers["Location"], headers=own).json["code"] == "publication_over"
    assert client.get(begun.headers["Location"], headers=own).json["state"] == "withdrawn"
    begun = client.post(at, headers={**own, "If-Match": '"1-1"'}, json={"note": "x"})
    address = begun.headers["Location"]
    assert client.get(address, headers=own).json == begun.json["publication"]
    run(office)
    done = client.get(address, headers=own).json
    assert (done["state"], done["number"], done["played"], done["of"]) == ("published", 2, 1, 1)
    save(office, BAD, FAILS)
    again = client.post(at, headers={**own, "If-Match": '"2-2"'}, json={"note": "x"}).headers["Location"]
    run(office)
    refused = client.get(again, headers=own).json
    assert (refused["state"], refused["code"], refused["failing"]) == ("refused", "scenarios_failed", ["走错"])
    assert "走错" in refused["reasons"][0]
    at = "/api/v1/procedures/probe/versions/1/activate"
    assert client.post(at, headers=own, json={"note": "x"}).json == {"version": 1, "new": True, "publication": None}
    verdicts.forget(office.services, office.services.clock.now())


class Wire:
    """What `requests` does, over Flask's client; jobs run whenever somebody asks what became of something."""

    def __init__(self, office: Office, client: FlaskClient) -> None:
        self.office, self.client = office, client

    def request(self, method: str, address: str, *, headers: Any, params: Any = None, json: Any = None, **_: Any) -> Any:
        if "/publications/" in address:
            run(self.office)
        at = address.removeprefix("http://x")
        self.answer = self.client.open(at, method=method, headers=headers, query_string=params, json=json)
        self.status_code = self.answer.status_code
        return self

    def json(self) -> Any:
        return self.answer.get_json()


def test_a_folder_that_is_deployed_is_followed_to_its_end(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command hears how far the scenarios are and what became of them; no request waits for them."""
    monkeypatch.setattr(exchanging, "_PAUSE", 0)
    client, own = office.program("admin")
    server = exchanging.Server("http://x", own["Authorization"].removeprefix("Bearer "), session=Wire(office, client))
    here = server.inside("probe", draft=False)
    given: Any = {"base": {path: [digest] for path, digest in here.began.items()}, "note": "更新", "override": "", "played": False}
    heard: list[tuple[int, int]] = []
    files = {**here.files, LETTER: b"three"}
    done = server.deploy("probe", files, told=lambda played, of: heard.append((played, of)), **given)
    assert (done.number, done.new, heard) == (2, True, [(0, 1), (1, 1)]) and active(office) == 2
    assert done.digests == exchange.digests(files)
    with pytest.raises(exchanging.ServerRefused) as refused:
        server.deploy("probe", {**files, BAD: FAILS}, **given | {"base": {path: [digest] for path, digest in done.digests.items()}})
    assert "走错" in refused.value.message and active(office) == 2


def test_the_inbox_is_answered_while_a_scenario_is_slow(office: Office, manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's page waits for it: neither the inbox nor the page that shows how far it is."""
    played, go_on = threading.Event(), threading.Event()
    play = running.run

    def slow(*given: Any, **more: Any) -> Any:
        played.set()
        assert go_on.wait(30)
        return play(*given, **more)

    monkeypatch.setattr(running, "run", slow)
    address = publish(manager).headers["Location"]
    job = threading.Thread(target=run, args=(office,))
    job.start()
    try:
        assert played.wait(30)
        assert manager.get("/inbox").status_code == 200
        assert "正在运行场景 0/1" in manager.get(address).text
    finally:
        go_on.set()
        job.join(30)
    assert active(office) == 2


def test_a_server_that_is_away_is_said_until_it_is_back(office: Office, manager: FlaskClient, chromium: Browser) -> None:
    """Nothing spins meanwhile, what is told to those who listen stays the same element, and the page leads on afterwards."""
    address = publish(manager).headers["Location"]
    with served(office) as at:
        visitor = Visitor(chromium, at, "admin", PASSWORD, DESK)
        page = visitor.page
        page.goto(address)
        told = page.get_by_role("status").filter(has=page.locator("#played"))
        told.evaluate("one => (one.dataset.same = 'yes')")
        visitor.look("studio-publication")
        page.route(f"**{address}", lambda route: route.abort())
        expect(told).to_contain_text("连接不到服务器，恢复后继续。")
        expect(page.locator(".spinner-border")).to_be_hidden()
        page.unroute(f"**{address}")
        expect(page.locator(".spinner-border")).to_be_visible()
        expect(page.get_by_text("连接不到服务器")).to_be_hidden()
        expect(told).to_have_attribute("data-same", "yes")
        run(office)
        page.wait_for_url(f"**{MAIN}")
        visitor.page.context.close()
