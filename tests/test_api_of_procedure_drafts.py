"""Programs that keep procedures elsewhere exchange whole folders; what changes on both sides at once is shown and never lost."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web_office import FILES, Office

from engine import deploying, versions
from engine.models import Holding, Person
from engine.people import tokens
from engine.studio import changing, drafts

BESIDE = "/api/v1/procedures/office"
AT = f"{BESIDE}/draft"
ANSWER = "forms/answer.form"
TEXTS = {path: content.decode() for path, content in FILES.items()}
PROGRAM = "9" * 32
REWORDED = TEXTS[ANSWER].replace("本人陈述", "本人陈述与意见")
#: no text in UTF-8, and one that no text in JSON can hold
PICTURE, NOTHING = b"\x89PNG\xff", b"a\0b"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Program:
    """A program that manages procedures."""

    def __init__(self, office: Office, login: str = "admin") -> None:
        self.client, self.own = office.program(login)

    def get(self, at: str = AT) -> Any:
        return self.client.get(at, headers=self.own)

    def put(self, files: dict[str, str], seen: str, **more: Any) -> Any:
        body = {"files": {path: {"text": text} for path, text in files.items()}, **more}
        return self.client.put(AT, headers={**self.own, **({"If-Match": seen} if seen else {})}, json=body)

    def post(self, at: str, seen: str, body: Any) -> Any:
        return self.client.post(at, headers={**self.own, **({"If-Match": seen} if seen else {})}, json=body)

    def publish(self, seen: str, **body: Any) -> Any:
        return self.post(f"{BESIDE}/versions", seen, {"note": "x", **body})


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """One for each test: they all change the same draft."""
    with Office(tmp_path) as made:
        yield made


@pytest.fixture
def program(office: Office) -> Program:
    return Program(office)


def test_a_folder_is_read_changed_and_published(office: Office, program: Program) -> None:
    """Without a draft the files are the active version's, and the ETag names that version."""
    read = program.get()
    assert read.headers["ETag"] == '"0-1"' and read.json["draft"]["base"] == 1
    assert read.json["files"] == {path: {"sha256": sha256(text.encode()), "text": text, "base64": None} for path, text in TEXTS.items()}
    assert read.json["began"] == {path: sha256(content) for path, content in FILES.items()}
    saved = program.put({**TEXTS, ANSWER: REWORDED}, '"0-1"', note="来自代码库")
    assert saved.status_code == 200 and saved.headers["ETag"] == '"1-1"' and saved.json["changed"] == [ANSWER]
    assert {file["path"]: file["revision"] for file in saved.json["draft"]["files"]}[ANSWER] == 1
    same = program.put({**TEXTS, ANSWER: REWORDED}, '"1-1"')
    assert same.headers["ETag"] == '"1-1"' and same.json["changed"] == []
    looked = program.publish("", dry_run=True)
    assert looked.json["number"] is None and looked.json["findings"].keys() <= TEXTS.keys()
    assert program.publish("").status_code == 428
    done = program.publish('"1-1"', note="措辞更准确")
    assert (done.json["number"], done.json["new"], done.json["effective_at"]) == (2, True, None)
    assert done.json["digests"][ANSWER] == sha256(REWORDED.encode())
    assert versions.numbered(office.services, "office", None).files[ANSWER] == REWORDED.encode()
    again = program.publish('"1-1"', note="措辞更准确")
    assert again.status_code == 409 and again.json["code"] == "already_published"


def test_the_files_of_each_version_are_read_again(office: Office, program: Program) -> None:
    """The active one's without a number; a number that never was is not found."""
    program.put({**TEXTS, ANSWER: REWORDED}, '"0-1"')
    program.publish('"1-1"')
    now, before = program.get(f"{BESIDE}/files").json, program.get(f"{BESIDE}/files?version=1").json
    assert (now["version"], now["files"][ANSWER]["text"]) == (2, REWORDED)
    assert (before["version"], before["files"][ANSWER]["text"]) == (1, TEXTS[ANSWER])
    assert program.get(f"{BESIDE}/files?version=3").status_code == 404


def test_a_file_that_is_no_text_goes_and_comes_as_base64(office: Office, program: Program) -> None:
    """What was read is sent back as it is, and nothing changes; a file is sent in one way, and in one that can be read."""
    changing.save(office.services, "office", "letters/logo.txt", PICTURE, revision=None, actor=None)
    changing.save(office.services, "office", "letters/zero.txt", NOTHING, revision=None, actor=None)
    read = program.get()
    files = read.json["files"]
    assert files["letters/logo.txt"] == {"sha256": sha256(PICTURE), "text": None, "base64": base64.b64encode(PICTURE).decode()}
    assert files["letters/zero.txt"]["base64"] == base64.b64encode(NOTHING).decode()
    headers = {**program.own, "If-Match": read.headers["ETag"]}
    same = program.client.put(AT, headers=headers, json={"files": files})
    assert same.status_code == 200 and same.json["changed"] == []
    files["letters/logo.txt"]["base64"] = base64.b64encode(PICTURE * 2).decode()
    changed = program.client.put(AT, headers=headers, json={"files": files})
    assert changed.json["changed"] == ["letters/logo.txt"]
    assert drafts.content(office.services, "office", "letters/logo.txt", actor=None)[0] == PICTURE * 2
    for wrong in ({}, {"text": "a", "base64": "YQ=="}, {"base64": "*"}, {"text": "a\0b"}, "a"):
        refused = program.client.put(AT, headers={**headers, "If-Match": changed.headers["ETag"]}, json={"files": {"letters/a.txt": wrong}})
        assert refused.status_code == 400 and refused.json["errors"][0]["pointer"].startswith("/files/letters~1a.txt")


def test_a_folder_that_knows_digests_changes_what_it_changed(office: Office, program: Program) -> None:
    """Instead of If-Match; where others changed a file since, nothing is, and it is told which, by who changed it."""
    base: dict[str, list[str]] = {path: [sha256(content)] for path, content in FILES.items()}
    mine = {**TEXTS, ANSWER: REWORDED}
    put = program.put(mine, "", base=base, note="来自代码库")
    assert put.json["changed"] == [ANSWER] and put.headers["ETag"] == '"1-1"'
    changing.save(office.services, "office", ANSWER, b"{}", revision=1, actor=office.people["admin"])
    changing.save(office.services, "office", "letters/a.txt", b"a", revision=None, actor=office.people["admin"])
    refused = program.put(mine, "", base=base)
    assert refused.status_code == 409 and refused.json["code"] == "changed_inside"
    assert (refused.json["theirs"], refused.json["both"]) == (["letters/a.txt"], [ANSWER])
    assert program.put(mine, '"3-1"', base=base).status_code == 400
    assert program.put(mine, "").status_code == 428
    assert drafts.content(office.services, "office", ANSWER, actor=None)[0] == b"{}"


def test_a_folder_is_published_whatever_the_draft_holds(office: Office, program: Program) -> None:
    """The draft stays; what only a draft is published with is refused; findings say why files are no version."""
    program.put({**TEXTS, "letters/unfinished.txt": "x"}, '"0-1"')
    base = {path: [sha256(content)] for path, content in FILES.items()}
    folder: dict[str, Any] = {path: {"text": text} for path, text in {**TEXTS, ANSWER: REWORDED}.items()}
    tried = program.publish("", files=folder, base=base, dry_run=True)
    assert tried.json["number"] is None and tried.json["digests"][ANSWER] == sha256(REWORDED.encode())
    done = program.publish("", files=folder, base=base)
    assert (done.json["number"], done.json["new"]) == (2, True)
    now = {path: [digest] for path, digest in done.json["digests"].items()}
    assert program.publish("", files=folder, base=now).json["new"] is False
    assert program.publish("", files=folder, base=base | {ANSWER: ["0"]}).json["new"] is False
    other = {**folder, ANSWER: {"text": "{}"}}
    assert program.publish("", files=other, base=base).json["both"] == [ANSWER]
    assert program.publish("", files=folder, base=now, effective="2099-01-01").status_code == 400
    broken = {**folder, "office.bpmn": {"text": "<broken"}}
    refused = program.publish("", files=broken, base=now)
    assert refused.status_code == 422 and refused.json["findings"][0]["file"] == "office.bpmn"
    assert "letters/unfinished.txt" in program.get().json["files"]


class Endless(io.RawIOBase):
    """A body that never ends."""

    read_so_far = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.read_so_far += len(buffer)
        buffer[:] = b" " * len(buffer)
        return len(buffer)


@pytest.mark.parametrize(
    ("method", "at", "most"), [("PUT", AT, 42), ("POST", f"{BESIDE}/versions", 42), ("POST", f"{BESIDE}/roll-back", 4)]
)
def test_a_body_that_is_too_large_is_refused(program: Program, method: str, at: str, most: int) -> None:
    """As much as a procedure may hold where files are sent, less elsewhere; a body without an end is read no further."""
    endless = Endless()
    sent: Any = {"wsgi.input": endless, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    refused = program.client.open(at, method=method, headers=program.own, content_type="application/json", environ_overrides=sent)
    assert refused.status_code == 413 and f"{most} MB" in refused.json["detail"]
    assert endless.read_so_far <= (most + 1) * 2**20
    large = b" " * (most * 2**20 + 1)
    named = program.client.open(at, method=method, data=large, headers=program.own, content_type="application/json")
    assert named.status_code == 413 and named.json["code"] == "too_large"


def test_a_token_reads_or_writes(office: Office, program: Program) -> None:
    """One scope for each; neither manages versions that serve cases."""
    asked = (("GET", AT), ("GET", f"{BESIDE}/files"), ("GET", f"{BESIDE}/versions"), ("GET", f"{AT}/conflicts"))
    changes = (("PUT", AT), ("DELETE", AT), ("POST", f"{BESIDE}/versions"), ("POST", f"{AT}/take-over"))
    with office.services.database.unit() as unit:
        unit.add(Person, id=PROGRAM, employee_no="P1", name="代码库", post="", post_en="", active=True)
        unit.add(Holding, role="admin", person_id=PROGRAM)
        unit.commit()
    for scope, may, may_not in (("read:procedures", asked, changes), ("write:procedures", changes, asked)):
        until = office.services.clock.now().date() + dt.timedelta(days=30)
        given = {"name": scope, "person": PROGRAM, "scopes": [scope], "expires_on": until, "by": None}
        own = {"Authorization": f"Bearer {tokens.issue(office.services, **given)}"}
        told = {(method, at): program.client.open(at, method=method, headers=own).json for method, at in (*may, *may_not)}
        assert {way for way, said in told.items() if said.get("code") == "scope_lacking"} == set(may_not)
        assert program.client.post(f"{BESIDE}/roll-back", headers=own, json={"note": "x"}).json["code"] == "scope_lacking"


def test_a_file_that_is_left_out_is_removed(office: Office, program: Program) -> None:
    """The folder is the whole draft; what the check refuses is told by file, element and line."""
    less = {path: text for path, text in TEXTS.items() if path != ANSWER}
    saved = program.put(less, '"0-1"')
    [finding] = [one for one in saved.json["findings"]["office.bpmn"] if one["severity"] == "error"]
    assert finding["code"] == "unknown_form" and finding["line"] > 1
    refused = program.publish('"1-1"')
    assert refused.status_code == 422 and refused.json["code"] == "not_deployable"
    assert {one["file"]: one["code"] for one in refused.json["findings"]} == {"office.bpmn": "unknown_form"}
    assert program.put({"../x.txt": ""}, '"1-1"').status_code == 422
    assert drafts.contents(office.services, "office", actor=None).keys() == less.keys()


def test_what_somebody_drew_meanwhile_is_not_overwritten(office: Office, program: Program) -> None:
    """A folder that was read before is refused, saved or published; so is a request that does not say what it read."""
    changing.save(office.services, "office", ANSWER, b"{}", revision=0, actor=office.people["admin"])
    assert program.put(TEXTS, '"0-1"').status_code == 412
    changing.save(office.services, "office", ANSWER, b"[]", revision=1, actor=office.people["admin"])
    assert program.publish('"1-1"').status_code == 412
    assert program.client.put(AT, headers=program.own, json={"files": {}}).status_code == 428
    assert program.put(TEXTS, '"x"').status_code == 412
    assert program.client.delete(AT, headers={**program.own, "If-Match": '"1-1"'}).status_code == 412
    assert program.client.delete(AT, headers={**program.own, "If-Match": '"2-1"'}).status_code == 204
    assert program.get().headers["ETag"] == '"0-1"'


def test_a_folder_from_an_older_version_takes_over_what_was_published_since(office: Office, program: Program) -> None:
    """The same file on both sides is decided by the program or a person; nothing is published before."""
    theirs = {**FILES, ANSWER: TEXTS[ANSWER].replace("本人陈述", "自述").encode(), "letters/a.txt": b"Dear"}
    deploying.deploy(office.services, theirs, procedure="office")
    saved = program.put({**TEXTS, ANSWER: REWORDED}, '"0-1"')
    assert (saved.json["draft"]["base"], saved.json["draft"]["active"]) == (1, 2)
    refused = program.publish('"1-1"')
    assert refused.status_code == 409 and refused.json["code"] == "draft_behind"
    found = {one["path"]: one["changed"] for one in program.get(f"{AT}/conflicts").json["files"]}
    assert found == {ANSWER: "both", "letters/a.txt": "active"}
    undecided = program.post(f"{AT}/take-over", '"1-1"', {"version": 2})
    assert undecided.status_code == 422 and ANSWER in undecided.json["detail"]
    taken = program.post(f"{AT}/take-over", '"1-1"', {"version": 2, "keep": {ANSWER: "draft"}})
    assert taken.json["draft"]["base"] == 2
    assert program.publish(taken.headers["ETag"]).json["number"] == 3
    now = versions.numbered(office.services, "office", None).files
    assert now[ANSWER] == REWORDED.encode() and now["letters/a.txt"] == b"Dear"


def test_a_program_schedules_and_cancels(office: Office, program: Program) -> None:
    """With a day; the version has its number at once."""
    program.put({**TEXTS, ANSWER: REWORDED}, '"0-1"')
    done = program.publish('"1-1"', effective="2099-01-01")
    assert done.json["number"] == 2 and done.json["effective_at"].startswith("2098-12-31T16:00")
    listed = program.client.get("/api/v1/procedures/office/versions", headers=program.own).json["versions"]
    assert listed[0]["scheduled_at"] and not listed[0]["active"]
    at = "/api/v1/procedures/office/versions/2/unschedule"
    assert program.client.post(at, headers=program.own, json={"note": "暂缓"}).status_code == 204
    assert program.client.post(at, headers=program.own, json={"note": "暂缓"}).status_code == 409


def test_only_managers_may(office: Office) -> None:
    """As on the pages."""
    other = Program(office, "wangfang")
    for answer in (other.get(), other.put(TEXTS, '"0-1"'), other.get(f"{AT}/conflicts"), other.publish('"1-1"')):
        assert answer.status_code == 403


def test_what_was_saved_just_after_is_not_passed_over(office: Office, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ETag of an answer is that of what was sent, also where somebody else saved before the answer was made."""
    real, other = changing.replace, REWORDED.replace("意见", "说明").encode()

    def replaced(*given: Any, **named: Any) -> tuple[int, list[str]]:
        revision, changed = real(*given, **named)
        changing.save(office.services, "office", ANSWER, other, revision=revision, actor=None)
        return revision, changed

    with monkeypatch.context() as patched:
        patched.setattr(changing, "replace", replaced)
        saved = program.put({**TEXTS, ANSWER: REWORDED}, '"0-1"')
    assert saved.status_code == 200
    assert program.put(TEXTS, saved.headers["ETag"]).status_code == 412
    assert drafts.content(office.services, "office", ANSWER, actor=None)[0] == other
