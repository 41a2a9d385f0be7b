import base64
import datetime as dt
import io
from typing import Any

import pytest
from diagrams import END, START, flows, user
from engine_room import files as procedure_files
from web_office import Office, with_a_term

from engine import deploying

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def test_without_a_token_nothing_is_answered_and_a_cookie_is_no_token(office: Office) -> None:
    """The JSON interface has no forgery check, so a browser's session must not open it."""
    for client in (office.app.test_client(), office.browser("wangfang")):
        answer = client.get("/api/v1/me")
        assert answer.status_code == 401 and answer.json["code"] == "log_in_needed"


def test_a_token_says_who_one_is_until_it_is_given_back(office: Office) -> None:
    """The session opens the interface, and nothing after its end."""
    client, headers = office.program("wangfang")
    assert client.get("/api/v1/me", headers=headers).json["roles"] == ["hr"]
    assert client.delete("/api/v1/session", headers=headers).status_code == 204
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_the_whole_line_is_driven_by_programs(office: Office) -> None:
    """Procedures, employees, start, inbox, upload, completion, approval, statement: the same use cases as the pages."""
    supervisor, own = office.program("chenli")
    [procedure] = supervisor.get("/api/v1/procedures", headers=own).json["procedures"]
    assert procedure["procedure"] == "office" and procedure["form"]["components"]
    [subject] = supervisor.get("/api/v1/employees?search=KF-017", headers=own).json["employees"]
    files = {"proof": [{"name": "聊天记录.png", "content": base64.b64encode(PNG).decode()}]}
    sent = {"procedure": "office", "subject": subject["id"], "values": {"what": "上班玩手机", "kind": "phone"}, "files": files}
    started = supervisor.post("/api/v1/cases", json=sent, headers=own)
    assert started.status_code == 201
    office.run_jobs()

    hr, own = office.program("wangfang")
    [item] = hr.get("/api/v1/items?box=group", headers=own).json["items"]
    uploaded = hr.post(f"/api/v1/items/{item['item_id']}/documents", data={"files": (io.BytesIO(PNG), "b.png")}, headers=own)
    assert uploaded.status_code == 201
    values = {"decision": "proceed", "on": "2026-11-24", "files": uploaded.json["documents"]["files"], "witnesses": [{"name": "何秀兰"}]}
    place = f"/api/v1/items/{item['item_id']}"
    saved = hr.put(f"{place}/draft", json={"values": values}, headers=own)
    assert (saved.status_code, hr.get(place, headers=own).json["draft"]["revision"]) == (200, saved.json["revision"])
    again = hr.put(f"{place}/draft", json={"values": values}, headers=own)
    assert (again.status_code, again.json) == (200, saved.json)
    old = hr.put(f"{place}/draft", json={"values": {}}, headers=own)
    assert (old.status_code, old.json["code"]) == (409, "draft_saved_elsewhere")
    assert hr.put(f"{place}/draft", json={"values": values, **saved.json}, headers=own).status_code == 200
    assert hr.post(f"/api/v1/items/{item['item_id']}/complete", json={"values": values}, headers=own).status_code == 204
    case = hr.get(f"/api/v1/cases/{started.json['case_id']}", headers=own).json
    assert case["open"][0]["holders"] == ["赵敏华"] and {d["name"] for d in case["documents"]} == {"聊天记录.png", "b.png"}
    assert [call["state"] for call in case["calls"]] == ["done"]
    assert hr.get(f"/api/v1/documents/{case['documents'][0]['id']}", headers=own).data == PNG
    assert "原样" in hr.get(f"/api/v1/snapshots/{case['snapshots'][0]['id']}", headers=own).json["content"]

    for login in ("zhaominhua", "sunzhiyuan"):
        signer, own = office.program(login)
        approval = f"/api/v1/items/{office.open_item(case['id'])}/approve"
        assert signer.post(approval, json={}, headers=own).status_code == 204
    employee, own = office.program("linxiaobei")
    [mine] = employee.get("/api/v1/items", headers=own).json["items"]
    assert (
        employee.post(f"/api/v1/items/{mine['item_id']}/complete", json={"values": {"statement": "已知悉"}}, headers=own).status_code == 204
    )
    hr, own = office.program("wangfang")
    closed = hr.get("/api/v1/cases?status=closed", headers=own).json
    assert closed["total"] == 1 and closed["cases"][0]["outcome"] == "dismissed"


def test_a_program_passes_a_sign_off_on_and_adds_signers(office: Office) -> None:
    """Delegate, answer, take back, add, remove, transfer, reassign: each by its address, and refused with a reason."""
    item = f"/api/v1/items/{office.talked(office.case())}"
    clients = {login: office.program(login) for login in ("zhaominhua", "wangfang", "zhengwenbo", "admin")}

    def do(login: str, address: str, **sent: Any) -> Any:
        client, own = clients[login]
        answer = client.post(f"{item}/{address}", json=sent, headers=own)
        return answer.status_code if answer.status_code == 204 else answer.json["code"]

    def signers() -> list[dict[str, Any]]:
        client, own = clients["admin"]
        return [step for step in client.get(item, headers=own).json["steps"] if step["sign_off"]]

    def states() -> list[str]:
        return [step["state"] for step in signers()]

    hr, counsel, subject = (office.people[login] for login in ("wangfang", "zhengwenbo", "linxiaobei"))
    assert do("zhaominhua", "delegate", to=hr, reason="请看") == 204 and states() == ["waiting", "open"]
    assert do("zhaominhua", "approve") == "not_your_turn" and do("wangfang", "approve", opinion="行") == "not_allowed"
    assert do("wangfang", "resolve", opinion="可以") == 204 and states() == ["open", "resolved"]
    assert do("admin", "urge", reason="请尽快") == 204 and do("admin", "urge") == "urged_already"
    assert do("zhaominhua", "delegate", to=counsel) == 204 and do("zhaominhua", "take-back") == 204
    assert do("zhaominhua", "sign-offs", persons=[subject], where="before", reason="请把关") == "may_not_sign"
    assert do("zhaominhua", "sign-offs", persons=counsel, where="before", reason="请把关") == "request_invalid"
    assert do("zhaominhua", "sign-offs", persons=[counsel], where="before", reason="请把关") == 204
    added = signers()[-1]["sign_off"]
    assert do("wangfang", f"sign-offs/{added}/remove", reason="不必") == "not_allowed"
    assert do("zhaominhua", f"sign-offs/{added}/remove", reason="不必") == 204
    assert do("zhaominhua", "transfer", to=counsel, reason="出差") == 204
    assert states() == ["transferred", "resolved", "removed", "removed", "open"]
    assert do("admin", f"sign-offs/{signers()[-1]['sign_off']}/reassign", to=hr, reason="请假") == 204
    assert do("wangfang", "approve", opinion="同意") == 204
    assert do("zhaominhua", "withdraw") == "not_allowed" and do("wangfang", "withdraw", reason="看错了") == 204
    assert states()[4:6] == ["transferred", "withdrawn"] and do("wangfang", "approve") == 204
    signer, own = office.program("sunzhiyuan")
    targets = signer.get(f"{item}/returns", headers=own).json["targets"]
    assert targets[0]["step"] and [target["element"] for target in targets][1:] == ["talk", "start"]
    back = signer.post(f"{item}/return", json={"step": targets[0]["step"], "reason": "材料不全"}, headers=own)
    assert back.status_code == 204 and states()[-1] == "returned" and states().count("open") == 1


def test_withdraw_of_what_completed_an_item(office: Office) -> None:
    """撤回 (withdraw): a program takes back the last approval, once for the same request, until the employee has answered."""
    item = f"/api/v1/items/{office.talked(office.case())}"
    for login in ("zhaominhua", "sunzhiyuan"):
        client, headers = office.program(login)
        assert client.post(f"{item}/approve", json={"opinion": "同意"}, headers=headers).status_code == 204
    assert "withdraw" in client.get(item, headers=headers).json["may"]
    other, others = office.program("zhaominhua")
    refused = other.post(f"{item}/withdraw", json={}, headers=others)
    assert (refused.status_code, refused.json["code"]) == (409, "acted_on")
    for _ in range(2):
        again = client.post(f"{item}/withdraw", json={"reason": "看错了"}, headers={**headers, "Idempotency-Key": "taken-back"})
        assert again.status_code == 204, again.text
    page = client.get(item, headers=headers).json
    assert page["status"] == "open" and [one["state"] for one in page["steps"] if one["sign_off"]] == ["approved", "withdrawn", "open"]


def test_the_same_request_id_starts_one_case(office: Office) -> None:
    """A program that lost the answer asks again and gets the same case."""
    client, headers = office.program("chenli")
    sent = {"procedure": "office", "subject": office.people["linxiaobei"], "values": {"what": "上班玩手机", "kind": "phone"}}
    answers = [client.post("/api/v1/cases", json=sent, headers={**headers, "Idempotency-Key": "once"}).json for _ in range(2)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{not json", None),
        (b"[1, 2]", None),
        (b'"text"', None),
        (b"{}", "procedure"),
        (b'{"procedure": 7, "subject": "x"}', "procedure"),
        (b'{"procedure": "office", "subject": null}', "subject"),
        (b'{"procedure": "office", "subject": "SUBJECT", "values": [1]}', "values"),
        (b'{"procedure": "office", "subject": "SUBJECT", "values": {}, "files": {"proof": "x"}}', "files/proof"),
        (
            b'{"procedure": "office", "subject": "SUBJECT", "values": {}, "files": {"proof": [{"name": "a", "content": "%"}]}}',
            "files/proof",
        ),
        (b'{"procedure": "of\\u0000fice", "subject": "x"}', "procedure"),
        (b'{"procedure": "\\ud800", "subject": "x"}', "procedure"),
        (b"\xff\xfe", None),
        (b"[" * 100_000 + b"]" * 100_000, None),
        (b'{"values": ' * 60 + b"1" + b"}" * 60, None),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_by_field(office: Office, body: bytes, field: str | None) -> None:
    """Broken JSON and wrong types are told with status 400 and the name of the field."""
    client, headers = office.program("chenli")
    body = body.replace(b"SUBJECT", office.people["linxiaobei"].encode())
    answer = client.post("/api/v1/cases", data=body, headers=headers)
    assert answer.status_code == 400 and answer.json["code"] == "request_invalid"
    assert [error["pointer"] for error in answer.json.get("errors", ())] == ([f"/{field}"] if field else [])


def test_a_file_beside_a_group_that_is_no_object_is_a_form_fault(office: Office) -> None:
    """An upload named for a field within a group, and a group that is a text: faults of the form, and none of ours."""
    client, headers = office.program("chenli")
    files = {"what.deep": [{"name": "a.png", "content": base64.b64encode(PNG).decode()}]}
    sent = {
        "procedure": "office",
        "subject": office.people["linxiaobei"],
        "values": {"what": "上班玩手机", "kind": "phone"},
        "files": files,
    }
    assert client.post("/api/v1/cases", json=sent, headers=headers).status_code == 422


def test_form_faults_are_told_by_field(office: Office) -> None:
    """Missing, wrong and unknown fields have status 422 and their messages, in the language of the account."""
    client, headers = office.program("chenli")
    values: dict[str, Any] = {"what": ["a"], "kind": "car", "warned": "yes", "salary": 1}
    sent = {"procedure": "office", "subject": office.people["linxiaobei"], "values": values}
    answer = client.post("/api/v1/cases", json=sent, headers=headers)
    assert answer.status_code == 422 and answer.json["code"] == "form_invalid"
    assert {error["pointer"] for error in answer.json["errors"]} == {f"/values/{name}" for name in ("what", "kind", "warned", "salary")}


def test_failures_are_json_with_the_right_status(office: Office) -> None:
    """Not there, not yours, too late, odd paging: each with its own status and code."""
    case = office.case()
    item = office.open_item(case)
    hr, own = office.program("wangfang")
    other, foreign = office.program("liuhai")
    office.talked(case)
    late = hr.post(f"/api/v1/items/{item}/complete", json={"values": {}}, headers=own)
    assert (late.status_code, late.json["code"]) == (409, "already_decided") and "王芳" in late.json["detail"]
    assert hr.post(f"/api/v1/items/{item}/complete", data=b"\x00", headers=own).status_code == 400
    for answer, status in (
        (hr.get("/api/v1/cases/nothing", headers=own), 404),
        (hr.get("/api/v1/nothing", headers=own), 404),
        (other.get(f"/api/v1/cases/{case}", headers=foreign), 403),
        (other.get("/api/v1/incidents", headers=foreign), 403),
        (hr.get("/api/v1/items?size=0", headers=own), 400),
        (hr.get("/api/v1/items?size=９", headers=own), 400),
        (hr.get("/api/v1/cases?status=odd", headers=own), 400),
        (hr.patch("/api/v1/me", headers=own), 405),
        (hr.post(f"/api/v1/items/{office.open_item(case)}/documents", data={}, headers=own), 400),
    ):
        assert answer.status_code == status, answer.text
        assert answer.json["code"] and answer.json["detail"]


def test_incidents_are_repaired_by_programs(office: Office) -> None:
    """Listed with their sentence, retried with a reason, answered with a value."""
    client, headers = office.program("admin")
    office.usage.refuses = True
    case = office.case()
    [incident] = client.get("/api/v1/incidents", headers=headers).json["incidents"]
    assert incident["case_id"] == case and "404" in incident["message"]
    address = f"/api/v1/incidents/{incident['id']}"
    assert client.post(f"{address}/retry", json={}, headers=headers).json["errors"][0]["pointer"] == "/reason"
    assert client.post(f"{address}/answer", json={"reason": "已核实", "value": {}}, headers=headers).status_code == 204
    office.usage.refuses = False
    assert client.get("/api/v1/incidents", headers=headers).json["incidents"] == []


def test_a_program_skips_a_step_and_tries_all_of_an_operation_again(office: Office) -> None:
    """What could not be tried again is named with its case."""
    client, headers = office.program("admin")
    office.usage.refuses = True
    first, _, third = (office.case() for _ in range(3))
    by_case = {row["case_id"]: row["id"] for row in client.get("/api/v1/incidents", headers=headers).json["incidents"]}
    assert client.post(f"/api/v1/incidents/{by_case[first]}/skip", json={}, headers=headers).status_code == 400
    assert client.post(f"/api/v1/incidents/{by_case[first]}/skip", json={"reason": "停用"}, headers=headers).status_code == 204
    assert client.post(f"/api/v1/cases/{third}/suspend", json={"reason": "x"}, headers=headers).status_code == 204
    done = client.post("/api/v1/incidents/retry", json={"operation": "ehr.app_usage", "reason": "已恢复"}, headers=headers).json
    number = client.get(f"/api/v1/cases/{third}", headers=headers).json["number"]
    assert done["retried"] == 1 and [refused["case"] for refused in done["refused"]] == [number]
    assert number in done["refused"][0]["message"] and office.open_item(first)


def test_a_program_changes_the_time_of_a_timer(office: Office) -> None:
    """The case names its timers; a time without an offset is none."""
    client, headers = office.program("admin")
    boss, own = office.program("chenli")
    case = with_a_term(office)
    [timer_] = client.get(f"/api/v1/cases/{case}", headers=headers).json["timers"]
    address = f"/api/v1/timers/{timer_['job_id']}/due"
    for due in ("soon", "2031-05-06T07:08", "0001-01-01T00:00+08:00"):
        answer = client.post(address, json={"due": due, "reason": "x"}, headers=headers)
        assert answer.status_code == 400 and answer.json["errors"][0]["pointer"] == "/due"
    assert boss.post(address, json={"due": "2031-05-06T07:08+08:00", "reason": "x"}, headers=own).status_code == 403
    assert client.post(address, json={"due": "2031-05-06T07:08+08:00", "reason": "x"}, headers=headers).status_code == 204
    [timer_] = client.get(f"/api/v1/cases/{case}", headers=headers).json["timers"]
    assert dt.datetime.fromisoformat(timer_["due_at"]) == dt.datetime.fromisoformat("2031-05-05T23:08+00:00")


def test_managers_compare_and_activate_versions_and_nobody_else(office: Office) -> None:
    """The versions of a procedure with what was done, what changed, and a reason for every change of the active one."""
    manager, own = office.program("sunzhiyuan")
    [version] = manager.get("/api/v1/procedures/office/versions", headers=own).json["versions"]
    assert version["active"] and version["acts"][0]["act"] == "deployed"
    assert manager.get("/api/v1/procedures/office/versions/1/changes?since=1", headers=own).json == {"changes": []}
    assert manager.post("/api/v1/procedures/office/versions/1/activate", json={"note": "x"}, headers=own).json["new"] is False
    assert manager.post("/api/v1/procedures/office/versions/1/activate", json={}, headers=own).status_code == 400
    assert manager.post("/api/v1/procedures/office/roll-back", json={"note": "x"}, headers=own).status_code == 404
    for verb, on_hold in (("suspend", True), ("resume", False)):
        assert manager.post(f"/api/v1/procedures/office/versions/1/{verb}", json={"note": "x"}, headers=own).status_code == 204
        [listed] = manager.get("/api/v1/procedures/office/versions", headers=own).json["versions"]
        assert listed["suspended"] is on_hold and listed["acts"][-1]["note"] == "x"
    other, own = office.program("wangfang")
    for address in ("versions", "versions/1/changes"):
        assert other.get(f"/api/v1/procedures/office/{address}", headers=own).status_code == 403
    assert other.post("/api/v1/procedures/office/versions/1/suspend", json={"note": "x"}, headers=own).status_code == 403
    assert other.post("/api/v1/procedures/office/roll-back", json={"note": "x"}, headers=own).status_code == 403


def test_managers_move_cases_to_another_version(office: Office) -> None:
    """A dry run, the move itself with a reason, and the way back; others are refused, and wrong fields named."""
    case = with_a_term(office)
    files = procedure_files(START, user("a"), user("c"), END, flows("start > a", "a > c", "c > end"))
    deploying.deploy(office.services, files, procedure="term")
    manager, own = office.program("admin")
    newest = max(row["number"] for row in manager.get("/api/v1/procedures/term/versions", headers=own).json["versions"])
    address = f"/api/v1/procedures/term/versions/{newest}/cases"
    looked = manager.post(address, json={"dry_run": True}, headers=own).json["cases"]
    assert [(row["moved"], row["hindrances"]) for row in looked if row["case_id"] == case] == [(False, [])]
    for wrong in (
        {},
        {"note": "x", "limit": "2"},
        {"note": "x", "since": 0},
        {"note": "x", "mapping": {"a": 1}},
        {"note": "x", "numbers": "1"},
    ):
        assert manager.post(address, json=wrong, headers=own).status_code == 400
    moved = manager.post(address, json={"note": "少一步", "mapping": {}}, headers=own).json["cases"]
    assert [row["moved"] for row in moved if row["case_id"] == case] == [True]
    assert manager.get(f"/api/v1/cases/{case}", headers=own).json["version"] == newest
    back = manager.post("/api/v1/procedures/term/cases/undo-migration", json={"note": "撤回"}, headers=own).json["cases"]
    assert [row["moved"] for row in back if row["case_id"] == case] == [True]
    other, own = office.program("wangfang")
    assert other.post(address, json={"dry_run": True}, headers=own).status_code == 403
    assert other.post("/api/v1/procedures/term/cases/undo-migration", json={"note": "x"}, headers=own).status_code == 403


def test_managers_return_move_and_reopen_a_case(office: Office) -> None:
    """After a look at what that would leave and what was done outside; others are refused."""
    office.usage.refuses = False
    case = office.case()
    office.talked(case)
    manager, own = office.program("sunzhiyuan")
    found = manager.get(f"/api/v1/cases/{case}/steps", headers=own).json
    assert [step["element"] for step in found["steps"]] == ["consent", "talk", "usage"] and list(found["stands"]) == ["consent#1"]
    looked = manager.get(f"/api/v1/cases/{case}/prospect?element=talk", headers=own).json
    assert [step["name_en"] for step in looked["left"]] == ["Approval"] and looked["effects"] == []
    sent = {"element": "talk", "reason": "记录不完整"}
    assert manager.post(f"/api/v1/cases/{case}/return", json={"element": "talk"}, headers=own).status_code == 400
    assert manager.post(f"/api/v1/cases/{case}/return", json=sent, headers=own).json["left"] == looked["left"]
    assert manager.get(f"/api/v1/cases/{case}", headers=own).json["open"][0]["element"] == "talk"
    jump = {"leaving": ["talk#2"], "entering": ["answer"], "reason": "已口头沟通"}
    assert manager.post(f"/api/v1/cases/{case}/jump", json={**jump, "leaving": [1]}, headers=own).status_code == 400
    assert manager.post(f"/api/v1/cases/{case}/jump", json=jump, headers=own).status_code == 200
    assert manager.post(f"/api/v1/cases/{case}/reopen", json=sent, headers=own).status_code == 409
    assert manager.post(f"/api/v1/cases/{case}/terminate", json={"reason": "x"}, headers=own).status_code == 204
    assert manager.post(f"/api/v1/cases/{case}/reopen", json=sent, headers=own).status_code == 200
    assert manager.get(f"/api/v1/cases/{case}", headers=own).json["status"] == "running"
    other, own = office.program("wangfang")
    assert other.get(f"/api/v1/cases/{case}/steps", headers=own).status_code == 403
    assert other.post(f"/api/v1/cases/{case}/return", json=sent, headers=own).status_code == 403


def test_a_program_sends_messages_and_signals(office: Office) -> None:
    """Nobody waits: the message is kept and the sender is told; a repetition gives the same answer, and roles decide who sends."""
    sender, own = office.program("sunzhiyuan")
    sent = {"name": "badge returned", "key": "KF-017", "values": {"badge": True}, "keep_hours": 2}
    answers = [sender.post("/api/v1/messages", json=sent, headers={**own, "Idempotency-Key": "badge"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202] and answers[0].json == answers[1].json
    assert answers[0].json["case_id"] is None and answers[0].json["kept_until"]
    refused = sender.post("/api/v1/messages", json={**sent, "keep_hours": 0}, headers=own)
    assert refused.status_code == 404 and refused.json["code"] == "nobody_waits"
    assert sender.post("/api/v1/signals", json={"name": "policy changed"}, headers=own).json == {"cases": 0}
    for hours in ("2", -1, 1e9, True):
        answer = sender.post("/api/v1/messages", json={**sent, "keep_hours": hours}, headers=own)
        assert answer.status_code == 400 and answer.json["errors"][0]["pointer"] == "/keep_hours"
    other, own = office.program("wangfang")
    assert other.post("/api/v1/messages", json=sent, headers=own).status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("messages", {"name": "x" * 201}),
        ("messages", {"name": ""}),
        ("messages", {"name": "x", "values": {"note": {"deep": ["\ud800"]}}}),
        ("messages", {"name": "x", "values": {"amount": 10**30}}),
        ("messages", {"name": "x", "values": {"amount": float("nan")}}),
        ("messages", {"name": "x", "values": {"subject": {"id": "forged"}}}),
        ("signals", {"name": "x", "values": {"note": "\ud800"}}),
        ("signals", {"name": "x" * 201}),
        ("procedures/office/cases/undo-migration", {"note": "x", "numbers": [{"a": 1}]}),
        ("procedures/office/cases/undo-migration", {"note": "x", "numbers": ["1\u0000"]}),
        ("incidents/INCIDENT/retry", {"reason": "x", "input": {"employee": "\ud800"}}),
        ("incidents/INCIDENT/answer", {"reason": "x", "value": {"employee": "\ud800"}}),
        ("incidents/INCIDENT/answer", {"reason": "x", "value": {"amount": 10**30}}),
    ],
)
def test_what_cannot_be_stored_is_refused_and_said(office: Office, path: str, body: dict[str, Any]) -> None:
    """A fault of the sender's is told to them, and is none of ours."""
    client, headers = office.program("admin")
    if "INCIDENT" in path:
        office.usage.refuses = True
        office.case()
        office.usage.refuses = False
        path = path.replace("INCIDENT", client.get("/api/v1/incidents", headers=headers).json["incidents"][0]["id"])
    answer = client.post(f"/api/v1/{path}", json=body, headers=headers)
    assert answer.status_code in (400, 422) and answer.json["detail"]
