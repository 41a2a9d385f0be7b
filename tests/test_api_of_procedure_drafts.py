"""Programs that keep procedures elsewhere exchange whole folders; what changes on both sides at once is shown and never lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web_office import FILES, Office

from engine import deploying, versions
from engine.studio import changing, drafts

AT = "/api/v1/procedures/office/draft"
ANSWER = "forms/answer.form"
TEXTS = {path: content.decode() for path, content in FILES.items()}
REWORDED = TEXTS[ANSWER].replace("本人陈述", "本人陈述与意见")


class Program:
    """A program that manages procedures."""

    def __init__(self, office: Office, login: str = "admin") -> None:
        self.client, self.own = office.program(login)

    def get(self, at: str = "") -> Any:
        return self.client.get(AT + at, headers=self.own)

    def put(self, files: dict[str, str], seen: str, **more: Any) -> Any:
        return self.client.put(AT, headers={**self.own, "If-Match": seen}, json={"files": files, **more})

    def post(self, at: str, seen: str, body: Any) -> Any:
        return self.client.post(AT + at, headers={**self.own, "If-Match": seen}, json=body)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """One for each test: they all change the same draft."""
    with Office(tmp_path) as made:
        yield made


@pytest.fixture
def program(office: Office) -> Program:
    return Program(office)


def test_a_folder_is_read_changed_and_published(office: Office, program: Program) -> None:
    """Without a draft the files are the active version's; the ETag is "0" then."""
    read = program.get()
    assert read.headers["ETag"] == '"0"' and read.json["files"] == TEXTS and read.json["draft"]["base"] == 1
    saved = program.put({**TEXTS, ANSWER: REWORDED}, '"0"', base=1, note="来自代码库")
    assert saved.status_code == 200 and saved.headers["ETag"] == '"1"'
    assert {file["path"]: file["revision"] for file in saved.json["draft"]["files"]}[ANSWER] == 1
    same = program.put({**TEXTS, ANSWER: REWORDED}, '"1"')
    assert same.headers["ETag"] == '"1"'
    looked = program.post("/publish", '"1"', {"note": "x", "dry_run": True})
    assert looked.json["number"] is None and looked.json["findings"].keys() <= TEXTS.keys()
    done = program.post("/publish", '"1"', {"note": "措辞更准确"})
    assert done.json["number"] == 2 and done.json["effective_at"] is None
    assert versions.numbered(office.services, "office", None).files[ANSWER] == REWORDED.encode()
    again = program.post("/publish", '"1"', {"note": "措辞更准确"})
    assert again.status_code == 409 and again.json["code"] == "already_published"


def test_a_file_that_is_left_out_is_removed(office: Office, program: Program) -> None:
    """The folder is the whole draft; what the check refuses is told by file, element and line."""
    less = {path: text for path, text in TEXTS.items() if path != ANSWER}
    saved = program.put(less, '"0"', base=1)
    [finding] = [one for one in saved.json["findings"]["office.bpmn"] if one["severity"] == "error"]
    assert finding["code"] == "unknown_form" and finding["line"] > 1
    refused = program.post("/publish", '"1"', {"note": "x"})
    assert refused.status_code == 422 and refused.json["code"] == "not_deployable"
    assert program.put({"../x.txt": ""}, '"1"').status_code == 422
    assert drafts.contents(office.services, "office", actor=None).keys() == less.keys()


def test_what_somebody_drew_meanwhile_is_not_overwritten(office: Office, program: Program) -> None:
    """A folder that was read before is refused, saved or published; so is a request that does not say what it read."""
    changing.save(office.services, "office", ANSWER, b"{}", revision=0, actor=office.people["admin"])
    assert program.put(TEXTS, '"0"', base=1).status_code == 412
    changing.save(office.services, "office", ANSWER, b"[]", revision=1, actor=office.people["admin"])
    assert program.post("/publish", '"1"', {"note": "x"}).status_code == 412
    assert program.client.put(AT, headers=program.own, json={"files": TEXTS}).status_code == 428
    assert program.put(TEXTS, '"x"').status_code == 412
    assert program.client.delete(AT, headers={**program.own, "If-Match": '"1"'}).status_code == 412
    assert program.client.delete(AT, headers={**program.own, "If-Match": '"2"'}).status_code == 204
    assert program.get().headers["ETag"] == '"0"'


def test_a_folder_from_an_older_version_takes_over_what_was_published_since(office: Office, program: Program) -> None:
    """The same file on both sides is decided by the program or a person; nothing is published before."""
    theirs = {**FILES, ANSWER: TEXTS[ANSWER].replace("本人陈述", "自述").encode(), "letters/a.txt": b"Dear"}
    deploying.deploy(office.services, theirs, procedure="office")
    saved = program.put({**TEXTS, ANSWER: REWORDED}, '"0"', base=1)
    assert (saved.json["draft"]["base"], saved.json["draft"]["active"]) == (1, 2)
    refused = program.post("/publish", '"1"', {"note": "x"})
    assert refused.status_code == 409 and refused.json["code"] == "draft_behind"
    found = {one["path"]: one["changed"] for one in program.get("/conflicts").json["files"]}
    assert found == {ANSWER: "both", "letters/a.txt": "active"}
    undecided = program.post("/take-over", '"1"', {"version": 2})
    assert undecided.status_code == 422 and ANSWER in undecided.json["detail"]
    taken = program.post("/take-over", '"1"', {"version": 2, "keep": {ANSWER: "draft"}})
    assert taken.json["draft"]["base"] == 2
    assert program.post("/publish", taken.headers["ETag"], {"note": "x"}).json["number"] == 3
    now = versions.numbered(office.services, "office", None).files
    assert now[ANSWER] == REWORDED.encode() and now["letters/a.txt"] == b"Dear"


def test_a_program_schedules_and_cancels(office: Office, program: Program) -> None:
    """With a day; the version has its number at once."""
    program.put({**TEXTS, ANSWER: REWORDED}, '"0"', base=1)
    done = program.post("/publish", '"1"', {"note": "x", "effective": "2099-01-01"})
    assert done.json["number"] == 2 and done.json["effective_at"].startswith("2098-12-31T16:00")
    listed = program.client.get("/api/v1/procedures/office/versions", headers=program.own).json["versions"]
    assert listed[0]["scheduled_at"] and not listed[0]["active"]
    at = "/api/v1/procedures/office/versions/2/unschedule"
    assert program.client.post(at, headers=program.own, json={"note": "暂缓"}).status_code == 204
    assert program.client.post(at, headers=program.own, json={"note": "暂缓"}).status_code == 409


def test_only_managers_may(office: Office) -> None:
    """As on the pages."""
    other = Program(office, "wangfang")
    for answer in (other.get(), other.put(TEXTS, '"0"'), other.get("/conflicts"), other.post("/publish", '"1"', {"note": "x"})):
        assert answer.status_code == 403


def test_what_was_saved_just_after_is_not_passed_over(office: Office, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ETag of an answer is that of what was sent, also where somebody else saved before the answer was made."""
    real, other = changing.replace, REWORDED.replace("意见", "说明").encode()

    def replaced(*given: Any, **named: Any) -> int:
        revision = real(*given, **named)
        changing.save(office.services, "office", ANSWER, other, revision=revision, actor=None)
        return revision

    with monkeypatch.context() as patched:
        patched.setattr(changing, "replace", replaced)
        saved = program.put({**TEXTS, ANSWER: REWORDED}, '"0"', base=1)
    assert saved.status_code == 200
    assert program.put(TEXTS, saved.headers["ETag"]).status_code == 412
    assert drafts.content(office.services, "office", ANSWER, actor=None)[0] == other
