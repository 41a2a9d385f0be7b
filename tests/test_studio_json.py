"""What the editors in the browser speak with the server: the draft, its files, the check, what there is to refer to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from web_office import Office, token

from engine.models import Holding

MAIN = "/studio/office"


class Desk:
    """Somebody's editor: a browser that sends its forgery token along."""

    def __init__(self, office: Office, login: str = "admin") -> None:
        self.client: FlaskClient = office.browser(login, "zh-CN")
        self._own = {"X-CSRFToken": token(self.client, "/account")}

    def get(self, address: str) -> Any:
        return self.client.get(f"{MAIN}/{address}")

    def put(self, path: str, content: str | bytes, seen: str | int | None = 0, query: str = "") -> Any:
        own = {**self._own, **({"If-None-Match": "*"} if seen is None else {"If-Match": f'"{seen}"'})}
        return self.client.put(f"{MAIN}/files/{path}{query}", data=content, headers=own)

    def delete(self, path: str, seen: int = 0) -> Any:
        return self.client.delete(f"{MAIN}/files/{path}", headers={**self._own, "If-Match": f'"{seen}"'})

    def post(self, address: str, body: Any) -> Any:
        return self.client.post(f"{MAIN}/{address}", json=body, headers=self._own)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """One for each test: they all change the same draft."""
    with Office(tmp_path) as made:
        yield made


@pytest.fixture
def desk(office: Office) -> Desk:
    return Desk(office)


def test_opening_begins_no_draft_and_the_first_save_does(desk: Desk) -> None:
    """Without a draft the files are those of the active version, at revision 0; then each has its own."""
    seen = desk.get("draft.json").json
    assert (seen["procedure"], seen["name"], seen["base"], seen["revision"]) == ("office", "约谈", 1, 0)
    assert seen["locale"] == "zh-CN" and seen["me"]["name"] == "管理员" and {file["revision"] for file in seen["files"]} == {0}
    [diagram] = [file for file in seen["files"] if file["kind"] == "bpmn"]
    read = desk.get(f"files/{diagram['path']}")
    assert read.headers["ETag"] == '"0"' and read.mimetype == "text/plain" and len(read.data) == diagram["size"]
    changed = read.data.replace("约谈".encode(), "约谈记录".encode())
    saved = desk.put(diagram["path"], changed)
    assert saved.status_code == 200 and saved.json == {"revision": 1} and saved.headers["ETag"] == '"1"'
    assert desk.put(diagram["path"], changed).json == {"revision": 1}
    now = desk.get("draft.json").json
    [file] = [file for file in now["files"] if file["path"] == diagram["path"]]
    assert (now["revision"], now["name"], file["revision"], file["changed_by"]["name"]) == (1, "约谈记录", 1, "管理员")
    assert {one["revision"] for one in now["files"] if one is not file} == {0}


def test_a_file_that_somebody_else_changed_is_not_overwritten(office: Office, desk: Desk) -> None:
    """The answer says who, when, and which revision there is now; nothing is lost on either side."""
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.insert(Holding).values(person_id=office.people["wangfang"], role="admin"))
        unit.commit()
    other = Desk(office, "wangfang")
    assert desk.put("rules.json", "{}").json == {"revision": 1}
    refused = other.put("rules.json", '{"readers": []}')
    assert refused.status_code == 412 and refused.mimetype == "application/problem+json"
    assert refused.json["revision"] == 1 and refused.json["changed_by"] == {"id": office.people["admin"], "name": "管理员"}
    assert refused.json["title"] and "管理员" in refused.json["detail"] and dt.datetime.fromisoformat(refused.json["changed_at"])
    assert other.put("rules.json", '{"readers": []}', 1).json == {"revision": 2}
    gone = desk.delete("rules.json", 2)
    assert gone.status_code == 200
    refused = other.put("rules.json", "{}", 2)
    assert refused.status_code == 412 and refused.json["revision"] is None


def test_new_files_and_removed_ones(desk: Desk) -> None:
    """A new one is asked for as such; names that cannot be, and requests without a revision, are refused with the reason."""
    assert desk.put("letters/reply.txt", "Dear", None).json == {"revision": 1}
    assert desk.put("letters/reply.txt", "Other", None).status_code == 412
    assert desk.get("files/letters/reply.txt").text == "Dear"
    assert desk.delete("letters/reply.txt", 1).json == {"revision": 2}
    assert desk.get("files/letters/reply.txt").status_code == 404
    bad = desk.put("../x.txt", "x", None)
    assert bad.status_code in (404, 422)
    bad = desk.put("letters/reply.exe", "x", None)
    assert bad.status_code == 422 and ".bpmn" in bad.json["detail"]
    for seen in ("x", "", "-1"):
        missing = desk.put("rules.json", "{}", seen)
        assert missing.status_code == 400 and missing.json["errors"] == [
            {"header": "If-Match", "detail": missing.json["errors"][0]["detail"]}
        ]
    assert desk.put("rules.json", "{}", 0, "?base=7").status_code == 404


def test_the_check_judges_what_is_not_saved_yet(desk: Desk) -> None:
    """With the sentences in the reader's language, the element and its line; and tells which variables there are where."""
    diagram = desk.get("files/office.bpmn").text
    broken = diagram.replace('formId="talk"', 'formId="talks"')
    found = desk.post("check", {"files": {"office.bpmn": broken}}).json
    [finding] = [one for one in found["findings"]["office.bpmn"] if one["severity"] == "error"]
    assert (finding["element"], finding["severity"], finding["code"]) == ("talk", "error", "unknown_form")
    assert "talks" in finding["message"] and "表单" in finding["message"] and finding["line"] > 1
    known = {one["name"]: one for one in found["names"]["sets"][found["names"]["at"]["consent"]]}
    assert known["what"] == {"name": "what", "type": "text", "from": "提报"} and {"subject", "initiator", "case"} <= known.keys()
    assert found["names"]["at"]["f3"] is not None
    assert "error" not in {one["severity"] for one in desk.post("check", {"files": {}}).json["findings"]["office.bpmn"]}
    without = desk.post("check", {"files": {"forms/talk.form": None}}).json["findings"]["office.bpmn"]
    assert "unknown_form" in {one["code"] for one in without}
    assert desk.post("check", {"files": {"office.bpmn": "<broken"}}).json["findings"]["office.bpmn"][0]["code"] == "not_xml"
    for body in ([], {"files": []}, {"files": {"x": 1}}, {"files": None}):
        assert desk.post("check", body).status_code == 400
    assert desk.get("draft.json").json["revision"] == 0


def test_the_catalogue_names_what_there_is(desk: Desk) -> None:
    """Operations of the connectors, chains, roles, forms with their fields, processes, calendars; new files of the draft, too."""
    desk.put("rules/limits.dmn", _TABLE, None)
    desk.put("broken.dmn", "<broken", None)
    desk.put("forms/broken.form", "{", None)
    found = desk.get("catalogue.json").json
    assert {"ehr.app_usage", "document.render"} <= {one["name"] for one in found["operations"]}
    assert [one["key"] for one in found["chains"]] == ["dismissal-approval"]
    assert "hr" in {role["key"] for role in found["roles"] if role["name"]}
    talk = next(form for form in found["forms"] if form["id"] == "talk")
    assert {"decision": "radio", "on": "datetime", "witnesses": "dynamiclist"}.items() <= {
        f["key"]: f["type"] for f in talk["fields"]
    }.items()
    assert found["decisions"] == [
        {"id": "limit", "name": "限额", "file": "rules/limits.dmn", "inputs": ["amount"], "outputs": ["who"]},
    ]
    assert [one["id"] for one in found["processes"]] == ["office"] and found["calendars"] == ["office"]


_TABLE = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">
<decision id="limit" name="限额"><decisionTable id="t"><input id="i"><inputExpression id="e"><text>amount</text></inputExpression></input>
<output id="o" name="who"/>
</decisionTable></decision></definitions>"""


def test_editors_tell_that_they_are_open(desk: Desk, office: Office) -> None:
    """And learn who else has which file, and that a file was saved meanwhile."""
    desk.put("rules.json", "{}")
    told = desk.post("editing", {"path": "office.bpmn"}).json
    assert [(one["path"], one["name"]) for one in told["editing"]] == [("office.bpmn", "管理员")]
    assert told["revisions"]["rules.json"] == 1 and told["revisions"]["office.bpmn"] == 0 and told["base"] == 1
    assert desk.get("draft.json").json["editing"][0]["id"] == office.people["admin"]
    assert desk.post("editing", {"path": 1}).status_code == 400
    assert desk.post("editing", {"path": "none.bpmn"}).status_code == 404


def test_others_are_refused_as_programs_are_told(office: Office) -> None:
    """Problem details with a title and a sentence, whether nobody logged in, or somebody who manages nothing, or without the token."""
    nobody = office.app.test_client().get("/studio/office/draft.json")
    assert (nobody.status_code, nobody.mimetype) == (401, "application/problem+json")
    other = Desk(office, "wangfang")
    for answer in (
        other.get("draft.json"),
        other.get("catalogue.json"),
        other.get("files/office.bpmn"),
        other.put("rules.json", "{}"),
        other.delete("rules.json"),
        other.post("check", {"files": {}}),
        other.post("editing", {"path": "office.bpmn"}),
    ):
        assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
        assert {"title", "detail", "code"} <= answer.json.keys()
    forged = Desk(office).client.put("/studio/office/files/rules.json", data="{}", headers={"If-Match": '"0"'})
    assert forged.status_code == 400 and forged.json["code"] == "form_expired"


def test_what_a_file_holds_is_never_run(desk: Desk) -> None:
    """A picture with a script is handed out as text, or to be kept as a file."""
    desk.put("plan.svg", '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', None)
    shown = desk.get("files/plan.svg")
    assert shown.mimetype == "text/plain" and shown.headers["X-Content-Type-Options"] == "nosniff"
    kept = desk.get("files/plan.svg?download=1")
    assert kept.headers["Content-Disposition"].startswith("attachment") and "default-src 'self'" in kept.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["forms/deep.form", "rules.json", "chains.json"])
def test_a_file_that_is_nested_without_end_leaves_the_draft_usable(desk: Desk, path: str) -> None:
    """It is saved, told as a fault with every page of the draft, opened as text, and can be thrown away."""
    seen = {file["path"]: file["revision"] for file in desk.get("draft.json").json["files"]}
    assert desk.put(path, "[" * 100_000, seen.get(path)).status_code == 200
    for address in (f"{MAIN}", f"{MAIN}/publish", f"{MAIN}/discard", f"{MAIN}/edit/{path}", f"{MAIN}/catalogue.json"):
        assert desk.client.get(address).status_code == 200, address
    told = desk.post("check", {}).json["findings"][path]
    assert told[0]["code"] == "not_json" and "100" in told[0]["message"]
    deep = '{"components": ' + '[{"type": "group", "components": ' * 60 + "[]" + "}]" * 60 + "}"
    assert desk.post("check", {"files": {"forms/deep.form": deep}}).json["findings"]["forms/deep.form"]


def test_half_a_sign_is_no_fault_of_the_server(desk: Desk) -> None:
    """JSON can hold half of a surrogate pair, a file cannot; both halves are one sign."""

    def check(text: str) -> int:
        own = {**desk._own, "Content-Type": "application/json"}
        sent = '{"files": {"letters/x.txt": "' + text + '"}}'
        return desk.client.post(f"{MAIN}/check", data=sent, headers=own).status_code

    assert [check("\\ud83d"), check("\\ud83d\\ude00"), check("\\\\ud83d")] == [400, 200, 200]
