"""Procedures exchanged with folders: what changed on which side, both sides kept where both changed a file, here and over a server."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from engine_room import Room, files, line, person
from flask.testing import FlaskClient
from web_office import Office

from engine import versions
from engine.errors import ChangedInside, FileRefused, NotAllowed, NotDeployable
from engine.services import Services
from engine.studio import changing, drafts, exchange
from webapp import folder
from webapp.commands import partwell
from webapp.exchanging import AddressWrong, Here, Server, ServerRefused, ServerUnreachable

LETTER, NOTE = "letters/x.txt", "letters/note.txt"
RULES = {"managers": ["hr_director"]}


@pytest.fixture
def room(services: Services) -> Room:
    made = Room(services)
    made.deploy(*line("a"), rules=RULES, beside={LETTER: b"one", NOTE: b"note"})
    return made


def pulled(room: Room, at: Path, **more: Any) -> folder.Pulled:
    return folder.pull(at, Here(room.services).inside("test", draft=more.get("draft", False)), "")


def base(at: Path) -> Any:
    known = folder.state(at)
    assert known is not None
    return known.at("").base


def deploy(room: Room, at: Path, *, by: str | None = "director") -> exchange.Deployed:
    """What is in the folder, by somebody with a token."""
    given = folder.procedures.contents(at)
    actor = person(by) if by else None
    return exchange.deploy(room.services, "test", given, base=base(at), actor=actor, note="更新")


def test_three_sides_meet() -> None:
    """Each file by who changed it since; one that both changed alike is no difference."""
    was = {path: ["1"] for path in "abcde"}
    found = exchange.meet(was, {"a": "2", "b": "1", "c": "2", "d": "2", "new": "1"}, {"a": "1", "b": "2", "c": "3", "d": "2", "e": "1"})
    assert (found.mine, found.theirs, found.both) == (["a", "e", "new"], ["b"], ["c"])
    assert exchange.meet({}, {"a": "1"}, {"a": "1"}) == exchange.Meeting(mine=[], theirs=[], both=[])


def test_a_folder_is_pulled_changed_and_deployed(room: Room, tmp_path: Path) -> None:
    """The next version holds it; once more changes nothing."""
    assert sorted(pulled(room, tmp_path).written) == [NOTE, LETTER, "rules.json", "test.bpmn"]
    (tmp_path / LETTER).write_bytes(b"two")
    (tmp_path / NOTE).unlink()
    done = deploy(room, tmp_path)
    assert (done.number, done.new) == (2, True)
    now = versions.numbered(room.services, "test", None).files
    assert now[LETTER] == b"two" and NOTE not in now
    assert (pulled(room, tmp_path).written, deploy(room, tmp_path).new) == ([], False)


def test_what_changed_inside_is_brought_along_and_never_overwritten(room: Room, tmp_path: Path) -> None:
    """Deploying refuses and names it by who changed it; pulling brings it, and deploying works again."""
    pulled(room, tmp_path)
    (tmp_path / LETTER).write_bytes(b"outside")
    room.deploy(*line("a", "b"), rules=RULES, beside={LETTER: b"one", NOTE: b"note"})
    with pytest.raises(ChangedInside) as refused:
        deploy(room, tmp_path)
    assert (refused.value.theirs, refused.value.both) == (["test.bpmn"], [])
    done = pulled(room, tmp_path)
    assert (done.written, done.kept, done.both) == (["test.bpmn"], [LETTER], [])
    assert deploy(room, tmp_path).number == 3
    now = versions.numbered(room.services, "test", None).files
    assert now[LETTER] == b"outside" and now["test.bpmn"] == files(*line("a", "b"))["test.bpmn"]


def test_where_both_changed_a_file_both_are_kept_until_somebody_decides(room: Room, tmp_path: Path) -> None:
    """Theirs lies beside mine; one that was removed there is empty; nothing is deployed or pulled before it is gone."""
    pulled(room, tmp_path)
    for path in (LETTER, NOTE):
        (tmp_path / path).write_bytes(b"outside")
    room.deploy(*line("a"), rules=RULES, beside={LETTER: b"inside"})
    assert pulled(room, tmp_path).both == [NOTE, LETTER]
    assert (tmp_path / LETTER).read_bytes() == b"outside" and (tmp_path / f"{LETTER}.theirs").read_bytes() == b"inside"
    assert (tmp_path / NOTE).read_bytes() == b"outside" and (tmp_path / f"{NOTE}.theirs").read_bytes() == b""
    with pytest.raises(folder.Undecided):
        pulled(room, tmp_path)
    with pytest.raises(folder.Undecided):
        folder.must_be_decided(tmp_path)
    for path in (LETTER, NOTE):
        (tmp_path / f"{path}.theirs").unlink()
    (tmp_path / LETTER).write_bytes(b"both")
    deploy(room, tmp_path)
    now = versions.numbered(room.services, "test", None).files
    assert (now[LETTER], now[NOTE]) == (b"both", b"outside")


def test_a_folder_that_was_never_pulled_overwrites_nothing(room: Room, tmp_path: Path) -> None:
    """What differs counts as changed on both sides."""
    (tmp_path / "letters").mkdir()
    (tmp_path / LETTER).write_bytes(b"elsewhere")
    with pytest.raises(ChangedInside):
        exchange.deploy(room.services, "test", {LETTER: b"elsewhere"}, base={}, actor=None, note="")
    done = pulled(room, tmp_path)
    assert done.both == [LETTER] and (tmp_path / LETTER).read_bytes() == b"elsewhere" and "test.bpmn" in done.written


def test_a_draft_takes_what_the_folder_changed(room: Room, tmp_path: Path) -> None:
    """What somebody edits in the browser meanwhile stays; a file that both changed is refused, and pulled with both."""
    pulled(room, tmp_path)
    services, director = room.services, person("director")
    changing.save(services, "test", NOTE, b"browser", revision=0, actor=director)
    (tmp_path / LETTER).write_bytes(b"two")
    given = folder.procedures.contents(tmp_path)
    with pytest.raises(ChangedInside) as refused:
        exchange.put(services, "test", given, base=base(tmp_path), actor=director, note="")
    assert refused.value.theirs == [NOTE]
    assert pulled(room, tmp_path, draft=True).written == [NOTE]
    given = folder.procedures.contents(tmp_path)
    _, changed = exchange.put(services, "test", given, base=base(tmp_path), actor=director, note="")
    assert changed == [LETTER] and exchange.put(services, "test", given, base=base(tmp_path), actor=director, note="")[1] == []
    there = drafts.contents(services, "test", actor=None)
    assert (there[LETTER], there[NOTE]) == (b"two", b"browser")
    assert versions.numbered(services, "test", None).number == 1


def test_who_may_deploy_and_what_is_refused(room: Room, tmp_path: Path) -> None:
    """Managers, with files that the check takes; with four eyes asked for, only into the draft."""
    pulled(room, tmp_path)
    (tmp_path / LETTER).write_bytes(b"two")
    with pytest.raises(NotAllowed):
        deploy(room, tmp_path, by="hr")
    four = dataclasses.replace(room.services, settings=dataclasses.replace(room.services.settings, procedures_four_eyes=True))
    with pytest.raises(NotAllowed):
        exchange.deploy(four, "test", {}, base={}, actor=person("director"), note="x")
    (tmp_path / "test.bpmn").write_bytes(b"<broken")
    with pytest.raises(NotDeployable):
        deploy(room, tmp_path)
    with pytest.raises(NotAllowed):
        exchange.deploy(room.services, "fresh", files(*line("a")), base={}, actor=person("director"), note="x")
    assert exchange.deploy(room.services, "fresh", files(*line("a")), base={}, actor=person("admin"), note="x").number == 1


def test_a_server_writes_nowhere_but_into_the_folder(tmp_path: Path) -> None:
    """A name that leads out of it is refused before anything is written."""
    for path in ("../x.bpmn", "/etc/x.bpmn", ".git/x.json", "a\\..\\x.txt"):
        with pytest.raises(FileRefused):
            folder.pull(tmp_path / "in", exchange.Inside(procedure="p", version=1, draft=None, files={path: b""}, began={}), "")
    assert not (tmp_path / "in").exists()


def test_the_state_of_a_folder_that_is_broken_or_of_another(room: Room, tmp_path: Path) -> None:
    """It is said which file, and nothing is written."""
    (tmp_path / folder.STATE).write_text("{")
    with pytest.raises(folder.FolderUnreadable):
        pulled(room, tmp_path)
    (tmp_path / folder.STATE).write_text(json.dumps({"procedure": "other", "places": {}}))
    with pytest.raises(folder.FolderOfAnother):
        pulled(room, tmp_path)
    assert not (tmp_path / "test.bpmn").exists()


# --- over a server


class Wire:
    """What `requests` does, over Flask's client."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def request(self, method: str, address: str, *, headers: Any, params: Any = None, json: Any = None, **_: Any) -> Any:
        given = {"json": json} if json is not None else {}
        self.answer = self.client.open(address.removeprefix("http://x"), method=method, headers=headers, query_string=params, **given)
        self.status_code = self.answer.status_code
        return self

    def json(self) -> Any:
        return self.answer.get_json()


def test_a_folder_is_exchanged_with_a_server(office: Office, tmp_path: Path) -> None:
    """Pull, change, deploy; a conflict names the files, what the check refuses comes with its findings."""
    client, own = office.program("admin")
    server = Server("http://x/", own["Authorization"].removeprefix("Bearer "), session=Wire(client))
    inside = server.inside("office", draft=False)
    at = tmp_path / "office"
    assert folder.pull(at, inside, server.address).both == []
    assert inside.version == 1
    known = folder.state(at)
    assert known is not None
    was = known.at("http://x").base
    given = {**folder.procedures.contents(at), "letters/new.txt": "新".encode()}
    assert server.put("office", given, base=was, note="补充")[1] == ["letters/new.txt"]
    done = server.deploy("office", given, base=was, note="补充", override="", played=False)
    assert (done.number, done.new) == (2, True) and done.digests.keys() == given.keys()
    with pytest.raises(ChangedInside) as refused:
        server.deploy("office", {**given, "letters/new.txt": b"other"}, base=was, note="x", override="", played=False)
    assert refused.value.both == ["letters/new.txt"]
    broken = {path: b"<broken" if path.endswith(".bpmn") else content for path, content in given.items()}
    with pytest.raises(ServerRefused) as check:
        server.deploy("office", broken, base={path: [digest] for path, digest in done.digests.items()}, note="x", override="", played=False)
    assert {finding["severity"] for finding in check.value.findings} == {"error"}
    with pytest.raises(ServerRefused):
        Server("http://x", "none", session=Wire(client)).inside("office", draft=False)


def test_what_is_no_server() -> None:
    """Said with the address, without a traceback."""
    for address in ("partwell.example.com", "ftp://x", "https://"):
        with pytest.raises(AddressWrong):
            Server(address, "t")
    with pytest.raises(ServerUnreachable):
        Server("http://127.0.0.1:9", "t").inside("office", draft=False)


# --- the commands


def test_the_commands_pull_and_deploy(tmp_path: Path) -> None:
    """As somebody types them, over the database of this machine."""

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(partwell, ["--home", str(tmp_path / "home"), *arguments], standalone_mode=False)
        assert done.exception is None, done.exception
        return int(done.return_value or 0), done.output

    at = tmp_path / "leave"
    at.mkdir()
    for path, content in {**files(*line("a")), LETTER: b"one"}.items():
        (at / path).parent.mkdir(exist_ok=True)
        (at / path).write_bytes(content)
    assert run("deploy", str(at))[0] == 0
    copy = tmp_path / "copy"
    code, said = run("pull", "leave", str(copy))
    assert code == 0 and f"+ {LETTER}" in said
    (at / LETTER).write_bytes(b"inside")
    assert run("deploy", str(at))[0] == 0
    (copy / LETTER).write_bytes(b"outside")
    code, said = run("deploy", str(copy))
    assert code == 1 and LETTER in said
    code, said = run("pull", "leave", str(copy))
    assert code == 1 and f"{LETTER}.theirs" in said
    (copy / f"{LETTER}.theirs").unlink()
    assert run("deploy", str(copy), "--draft")[0] == 0
    code, said = run("deploy", str(copy), "--note", "合并", "--json")
    assert code == 0 and json.loads(said)["version"] == 3


def test_what_came_from_elsewhere_is_neither_changed_nor_named_out_of_the_folder(room: Room) -> None:
    """No folder holds originals, so none comes back with one; a name in their folder is one that a file can have."""
    present = drafts.contents(room.services, "test", actor=None)
    known: Any = {path: [digest] for path, digest in exchange.digests(present).items()}
    by, way = person("director"), {"note": "x"}
    for name in ("original/../../out.txt", "original/letters/x.txt.xml"):
        with pytest.raises(FileRefused):
            exchange.put(room.services, "test", {**present, name: b"x"}, base=known, actor=by, **way)
        with pytest.raises(FileRefused):
            exchange.deploy(room.services, "test", {**present, name: b"x"}, base=known, actor=by, **way)
    for name in ("original/../../out.txt", "original/../out.bpmn.xml", "original/"):
        with pytest.raises(FileRefused):
            changing.replace(room.services, "test", {**present, name: b"x"}, revision=0, base=1, actor=by)
    kept = {**present, "original/test.bpmn.xml": b"<old/>"}
    assert changing.replace(room.services, "test", kept, revision=0, base=1, actor=by)[0] == 1
    assert changing.replace(room.services, "test", present, revision=1, base=1, actor=by) == (1, [])
    with pytest.raises(FileRefused):
        changing.replace(room.services, "test", {**kept, "original/test.bpmn.xml": b"<new/>"}, revision=1, base=1, actor=by)
