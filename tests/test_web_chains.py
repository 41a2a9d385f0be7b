"""The pages and the interface by which administrators change approval chains."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import sqlalchemy as sa
from lxml import html
from web_office import Office

from engine.models import Headship

KEY = "dismissal-approval"
PAGE = f"/chains/{KEY}"


@pytest.fixture
def office(own_office: Office) -> Office:
    return own_office


def typed(page: str) -> dict[str, Any]:
    """What the table's form would send as it stands."""
    form = html.fromstring(page).get_element_by_id("table")
    sent: dict[str, list[str]] = {}
    for name, value in form.form_values():
        sent.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in sent.items()}


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 30, "-1", "x", ""], ids=["endless", "long", "negative", "word", "nothing"])
def test_a_number_that_nothing_has_is_answered(office: Office, number: str) -> None:
    """As a version, a revision, a level or a limit: not found, or named as a fault of the draft, and the table still opens."""
    admin = office.browser("admin")
    assert office.post(admin, f"{PAGE}/undo", {"number": number, "reason": "x"}).status_code == 404
    assert office.post(admin, f"{PAGE}/publish", {"revision": number, "reason": "x"}).status_code == 404
    sent = {**typed(admin.get(PAGE).text), "s0.limit": number or "x", "s0.a0.rule": "department_head", "s0.a0.level": number or "x"}
    kept = office.post(admin, PAGE, sent)
    assert kept.status_code == 200 and "has-fault" in kept.text
    assert admin.get(PAGE).status_code == 200


def test_a_day_before_all_days_is_no_day(office: Office) -> None:
    """From when on a version is in force: what no calendar has is refused."""
    for day in ("0001-01-01", "2026-13-01", "x"):
        assert office.post(office.browser("admin"), f"{PAGE}/publish", {"reason": "x", "effective": day}).status_code == 400


def test_a_step_that_always_wants_an_opinion_says_so_before_it_refuses(office: Office) -> None:
    """Beside the field; elsewhere it is wanted for a rejection only."""
    signer = office.browser("zhaominhua", "zh-CN")
    usual = signer.get(f"/items/{office.talked(office.case())}").text
    assert "驳回时必填；" in usual and 'aria-required="true"' not in usual
    client, own = office.program("admin")
    draft = client.get(f"/api/v1{PAGE}/draft", headers=own).json["draft"]
    steps = [{**step, "opinion": "always"} for step in draft["steps"]]
    assert client.post(f"/api/v1{PAGE}/publish", headers=office.draft(KEY, steps, (client, own)), json={"note": "x"}).status_code == 200
    item = office.talked(office.case())
    asked = signer.get(f"/items/{item}").text
    assert "驳回时" not in asked and "必填；" in asked and 'aria-required="true"' in asked
    assert office.post(signer, f"/items/{item}/approve", {"opinion": ""}).status_code == 422


def test_two_designers_a_level_is_added_tried_published_and_taken_back_without_the_diagram(office: Office) -> None:
    """双设计器 (two designers): a condition in yuan, a preview for two amounts, then published, and the former version again."""
    admin = office.browser("admin", "en")
    assert KEY in admin.get("/chains").text
    page = office.post(admin, PAGE, {**typed(admin.get(PAGE).text), "do": "add"}).text
    sent = typed(page)
    assert sent["steps"] == "3"
    boss = {"s2.name": "总经理审批", "s2.name_en": "General manager", "s2.a0.rule": "person", "s2.a0.persons": "GM-001"}
    condition = {"s2.w0.field": "compensation_fen", "s2.w0.operator": ">", "s2.w0.value": "50,000"}
    page = office.post(admin, PAGE, {**sent, **boss, **condition}).text
    assert "compensation_fen &gt; yuan(50000)" in page and "GM-001" in page
    assert "Step 3, “General manager”, is new." in page and "This keeps it" not in page
    for amount, said in ((6_000_000, "whom the approval chain names"), (100, "Does not apply")):
        given = {"subject": office.people["linxiaobei"], "initiator": "", "values": f"compensation_fen = {amount}", "open": "yes"}
        assert said in admin.get(f"{PAGE}/preview", query_string=given).text
    done = office.post(admin, f"{PAGE}/publish", {"revision": typed(page)["revision"], "reason": "金额较大"}, follow_redirects=True)
    assert "Version 2 is published." in done.text and "金额较大" in done.text
    back = office.post(admin, f"{PAGE}/undo", {"number": "1", "reason": "再议"}, follow_redirects=True)
    assert "Version 3 is published." in back.text and "Step 3, “General manager”, is gone." in back.text


def test_steps_move_and_go_by_buttons_alone(office: Office) -> None:
    """Every button sends the whole table; nothing typed is lost, and what is typed again changes."""
    admin = office.browser("admin", "en")
    sent = {**typed(admin.get(PAGE).text), "s0.name_en": "First of all"}
    page = office.post(admin, PAGE, {**sent, "do": "down:0"}).text
    assert typed(page)["s1.name_en"] == "First of all" and "moved from place" in page
    page = office.post(admin, PAGE, {**typed(page), "do": "rule:0"}).text
    page = office.post(admin, PAGE, {**typed(page), "do": "unrule:0:1"}).text
    page = office.post(admin, PAGE, {**typed(page), "do": "remove:1"}).text
    assert typed(page)["steps"] == "1" and "is gone" in page
    assert "discarded" in office.post(admin, f"{PAGE}/discard", {"revision": typed(page)["revision"]}, follow_redirects=True).text


def test_faults_stand_beside_their_fields_and_nothing_is_published(office: Office) -> None:
    """In the reader's language; once they are repaired nothing of them is told any more."""
    admin = office.browser("admin", "zh-CN")
    page = office.post(admin, PAGE, {**typed(admin.get(PAGE).text), "s0.name": "", "s1.mode": "all"}).text
    assert "须有中文名称和英文名称" in page and "以下问题须先处理" in page
    revision = typed(page)["revision"]
    assert office.post(admin, f"{PAGE}/publish", {"revision": revision, "reason": "x"}).status_code == 422
    page = office.post(
        admin, PAGE, {**typed(page), "s0.name": "负责人", "s1.limit": "2", "s1.limit_in": "limit_hours", "s1.on_due": "transfer"}
    ).text
    assert "请指明对象" in page and "须有中文名称" not in page
    client, headers = office.program("admin")
    assert [one["number"] for one in client.get(f"/api/v1/chains/{KEY}/versions", headers=headers).json["versions"]] == [1]


def test_what_follows_when_the_limit_is_over_is_typed_and_kept(office: Office) -> None:
    """To whom, how often and how spaced; saving the table again changes none of it, and another choice takes none of it along."""
    admin = office.browser("admin", "en")
    reminded = {"s0.limit": "2", "s0.on_due": "remind", "s0.on_due_times": "3", "s0.on_due_every_hours": "4"}
    handed = {"s1.limit": "2", "s1.on_due": "transfer", "s1.on_due_to": "GM-001"}
    page = office.post(admin, PAGE, {**typed(admin.get(PAGE).text), **reminded, **handed}).text
    assert "This keeps it" not in page and "nothing → remind; 3 times; every 4 working hours" in page
    page = office.post(admin, PAGE, typed(page)).text
    client, headers = office.program("admin")
    steps = client.get(f"/api/v1/chains/{KEY}/draft", headers=headers).json["draft"]["steps"]
    assert steps[0]["on_due"] == {"do": "remind", "times": 3, "every_hours": 4}
    assert steps[1]["on_due"] == {"do": "transfer", "to": "GM-001"}
    page = office.post(admin, PAGE, {**typed(page), "s1.on_due": "remind"}).text
    steps = client.get(f"/api/v1/chains/{KEY}/draft", headers=headers).json["draft"]["steps"]
    assert steps[1]["on_due"] == {"do": "remind"} and "This keeps it" not in page


def test_two_editors_are_told_of_each_other(office: Office) -> None:
    """What the second typed stays on their page, with what differs."""
    admin = office.browser("admin", "en")
    sent = typed(admin.get(PAGE).text)
    office.post(admin, PAGE, {**sent, "s0.name_en": "One"})
    answer = office.post(admin, PAGE, {**sent, "s0.name_en": "Two", "name_en": "Consent"})
    assert "The English name of the chain: " in answer.text and "→ Consent</li>" in answer.text
    assert answer.status_code == 409 and 'value="Two"' in answer.text and "compare, then save again" in answer.text
    assert office.post(admin, PAGE, typed(answer.text)).status_code == 200


def test_a_chain_leaves_and_returns_as_a_file(office: Office) -> None:
    """JSON and CSV hold the same; a broken file is refused with its line."""
    admin = office.browser("admin", "en")
    for kind in ("json", "csv"):
        content = admin.get(f"{PAGE}/export.{kind}").data
        sent = {"key": f"copy-{kind}", "file": (io.BytesIO(content), f"chain.{kind}")}
        page = office.post(admin, "/chains", sent, content_type="multipart/form-data", follow_redirects=True).text
        assert "Head of department" in page and "This keeps it" not in page
    broken = {"key": "x", "file": (io.BytesIO(b"name,key\nx"), "x.csv")}
    refused = office.post(admin, "/chains", broken, content_type="multipart/form-data")
    assert refused.status_code == 422 and "line 2: it has 1 cells" in refused.text


def test_chains_by_the_interface(office: Office) -> None:
    """Reading, saving, trying, publishing, listing and taking back."""
    client, headers = office.program("admin")
    at = f"/api/v1/chains/{KEY}"
    read = client.get(f"{at}/draft", headers=headers)
    draft, seen = read.json["draft"], {**headers, "If-Match": read.headers["ETag"]}
    steps = [*draft["steps"], {**draft["steps"][0], "key": "again", "twice": "none"}]
    sent = {"name": draft["name"], "name_en": draft["name_en"], "steps": steps}
    answer = client.put(f"{at}/draft", json=sent, headers=seen)
    saved, published = answer.json, {**headers, "If-Match": answer.headers["ETag"]}
    assert (
        saved["draft"]["saved_at"]
        and saved["faults"] == []
        and client.get(f"{at}/draft", headers=headers).headers["ETag"] == answer.headers["ETag"]
    )
    tried = client.post(f"{at}/preview", json={"subject": office.people["linxiaobei"]}, headers=headers).json["steps"]
    assert [step["key"] for step in tried] == [step["key"] for step in steps] and all(step["sentence"] for step in tried)
    office.talked(office.case())
    found = client.get(f"{at}/open-items", headers=headers).json
    assert found["looked_at"] == 1 and len(found["items"]) == 1
    done = client.post(f"{at}/publish", json={"note": "再审一次"}, headers={**published, "Idempotency-Key": "k"})
    assert done.json["number"] == 2
    assert client.post(f"{at}/publish", json={"note": "再审一次"}, headers={**published, "Idempotency-Key": "k"}).json == done.json
    other = client.post(f"{at}/publish", json={"note": "再审一次"}, headers={**published, "Idempotency-Key": "k", "If-Match": '"x"'})
    assert (other.status_code, other.json["code"]) == (422, "key_reused")
    again = client.post(f"{at}/publish", json={"note": "再审一次"}, headers=published)
    assert again.status_code == 409 and again.json["code"] == "already_published" and "2" in again.json["detail"]
    assert client.get(f"{at}/versions", headers=headers).json["versions"][0]["state"] == "in_force"
    assert json.loads(client.get(f"{at}/versions/1", headers=headers).data)["steps"] == draft["steps"]
    assert client.post(f"{at}/undo", json={"number": 1, "note": "x"}, headers=headers).json == {"number": 3}
    assert client.get("/api/v1/chains", headers=headers).json["chains"][0]["number"] == 3
    for wrong in ({"number": "1", "note": "x"}, {"note": "x"}, {"number": 99, "note": "x"}):
        assert client.post(f"{at}/undo", json=wrong, headers=headers).status_code in (400, 404)
    assert client.post(f"{at}/preview", json={"subject": "nobody"}, headers=headers).status_code == 404
    assert client.post(f"{at}/preview", json={"subject": "x", "steps": [5]}, headers=headers).status_code == 400


def test_a_program_changes_only_the_draft_that_it_read(office: Office) -> None:
    """Without If-Match, or with one that names no single draft: 428 and 412, as for one that was changed since; nothing is done.

    A proxy may have made the ETag weak.
    """
    client, own = office.program("admin")
    at = f"/api/v1/chains/{KEY}"
    read = client.get(f"{at}/draft", headers=own)
    sent = {name: read.json["draft"][name] for name in ("name", "name_en")} | {"steps": read.json["draft"]["steps"][:1]}
    office.draft(KEY, read.json["draft"]["steps"][1:], (client, own))
    now = client.get(f"{at}/draft", headers=own).headers["ETag"]
    for tag, status, code in (
        (None, 428, "if_match_needed"),
        ("*", 428, "if_match_needed"),
        (f"{now}, {read.headers['ETag']}", 428, "if_match_needed"),
        ('"x"', 412, "not_as_read"),
        (read.headers["ETag"], 412, "superseded"),
    ):
        headers = {**own, **({"If-Match": tag} if tag else {})}
        for answer in (
            client.put(f"{at}/draft", json=sent, headers=headers),
            client.delete(f"{at}/draft", headers=headers),
            client.post(f"{at}/publish", json={"note": "x"}, headers=headers),
        ):
            assert (answer.status_code, answer.json["code"], answer.mimetype) == (status, code, "application/problem+json"), tag
    assert client.get(f"{at}/draft", headers=own).headers["ETag"] == now
    assert client.delete(f"{at}/draft", headers={**own, "If-Match": f"W/{now}"}).status_code == 204
    early = client.put(f"{at}-new/draft", json=sent, headers={**own, "If-Match": '"7"'})
    assert (early.status_code, early.json["code"]) == (412, "not_as_read")
    assert client.put(f"{at}-new/draft", json=sent, headers={**own, "If-Match": '"0"'}).status_code == 200


def test_pressing_publish_twice_tells_that_it_is_done(office: Office) -> None:
    """With the number, on the page of the chain; nothing is published or drafted a second time."""
    admin = office.browser("admin", "en")
    page = office.post(admin, PAGE, {**typed(admin.get(PAGE).text), "s0.name_en": "One"}).text
    sent = {**typed(page), "reason": "because"}
    assert office.post(admin, f"{PAGE}/publish", sent).status_code == 302
    for again in (sent, {"revision": sent["revision"], "reason": "because"}):
        answer = office.post(admin, f"{PAGE}/publish", again)
        assert answer.status_code == 409 and "published already, as version 2" in answer.text and 'id="table"' in answer.text
    assert "Discard the draft" not in answer.text and "Version 3" not in answer.text


def test_others_find_no_chains(office: Office) -> None:
    """No link, and a refusal for who types an address."""
    browser = office.browser("wangfang")
    assert "/chains" not in browser.get("/inbox").text
    for address in ("/chains", PAGE, f"{PAGE}/preview", f"{PAGE}/export.json", "/chains/people?x=a"):
        assert browser.get(address).status_code == 403
    client, headers = office.program("wangfang")
    assert client.get("/api/v1/chains", headers=headers).status_code == 403


def test_migrate_open_work_on_the_page(office: Office) -> None:
    """版本迁移 (migrate): a list with a new head in it, ticked and moved with a reason; for programs, too, and for administrators only."""
    item = office.talked(office.case())
    admin = office.browser("admin")
    assert "没有" in admin.get(f"{PAGE}/open").text
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.update(Headship).values(person_id=office.people["liuhai"]))
        unit.commit()
    listed = admin.get(f"{PAGE}/open").text
    assert item in listed and "赵敏华" in listed
    client, own = office.program("admin")
    [told] = client.get(f"/api/v1{PAGE}/outlooks", headers=own).json["items"]
    assert told["item"] == item and told["now"] == ["赵敏华"] != told["then"]
    assert office.post(admin, f"{PAGE}/open", {"item": item, "reason": ""}).status_code == 422
    assert "已重新确定 1 项" in office.post(admin, f"{PAGE}/open", {"item": item, "reason": "组织调整"}).text
    assert client.get(f"/api/v1{PAGE}/outlooks", headers=own).json == {"items": []}
    assert client.post(f"/api/v1/items/{item}/find-anew", headers=own, json={"reason": "x"}).status_code == 204
    other, stranger = office.program("wangfang")
    assert other.post(f"/api/v1/items/{item}/find-anew", headers=stranger, json={"reason": "x"}).status_code == 403
    assert office.browser("wangfang").get(f"{PAGE}/open").status_code == 403
