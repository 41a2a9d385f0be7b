"""The JSON interface says of itself what it is."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import jsonschema_rs
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from web_office import Office

from engine.models import AnsweredRequest
from webapp import i18n
from webapp.api import description, repeats
from webapp.commands import partwell


def described(office: Office, language: str = "en") -> Any:
    answer = office.app.test_client().get("/api/openapi.json", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.json


def operations(document: Any) -> dict[tuple[str, str], Any]:
    return {(method.upper(), path): said for path, methods in document["paths"].items() for method, said in methods.items()}


def test_every_address_is_described_and_every_described_one_answers(office: Office) -> None:
    """Method by method: the addresses that the application has are those of the description, each with a name of its own."""
    found = operations(described(office))
    known = {(method, path.removeprefix("/api/v1")) for _, path, _, methods in description.routes(office.app) for method in methods}
    assert len(known) > 50 and set(found) == known
    assert len({said["operationId"] for said in found.values()}) == len(found)
    addresses = office.app.url_map.bind("localhost")
    for method, path in found:
        for name in ("version",):
            path = path.replace(f"{{{name}}}", "1")
        assert addresses.match(f"/api/v1{path}".replace("{", "").replace("}", ""), method)


def test_nobody_learns_anything_without_logging_in(office: Office) -> None:
    """Every address but the one that logs in asks for a token first, whatever else is wrong with the request."""
    stranger = office.app.test_client()
    for (method, path), said in operations(described(office)).items():
        if not said["security"]:
            continue
        address = f"/api/v1{path.replace('{version}', '1').replace('{procedure}', 'office')}"
        answer = stranger.open(address.replace("{", "").replace("}", ""), method=method)
        assert answer.status_code == 401 and answer.json["code"] == "log_in_needed", (method, path, answer.status_code)


def test_what_is_said_of_an_address_is_whole(office: Office) -> None:
    """Each has a summary, the parameters of its path, who may use it, and schemas that are ones; examples fit their schemas."""
    document = described(office)
    for (method, path), said in operations(document).items():
        assert said["summary"] and said["responses"], path
        inside = {one["name"] for one in said["parameters"] if one["in"] == "path"}
        assert {part.strip("{}") for part in path.split("/") if part.startswith("{")} == inside
        assert said["security"] or path == "/session", (method, path)
        for content in said.get("requestBody", {}).get("content", {}).values():
            jsonschema_rs.meta.validate(content["schema"])
            if "example" in content:
                jsonschema_rs.validate(content["schema"], content["example"])
    for name, component in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate(component)
        for example in component.get("examples", ()):
            jsonschema_rs.validate(component, example)
        assert name.isascii()


def test_it_is_told_in_chinese_too(office: Office) -> None:
    """Whatever is said in words has its Chinese."""
    chinese, english = operations(described(office, "zh-CN")), operations(described(office))
    for key, said in english.items():
        assert said["summary"] != chinese[key]["summary"], said["summary"]
        for one, other in zip(said["parameters"], chinese[key]["parameters"], strict=True):
            assert one.get("description") is None or one["description"] != other["description"]


def test_an_address_that_declares_nothing_is_noticed() -> None:
    """Whoever adds one without saying what it takes and gives is told so by the description."""
    app = Flask("test")
    app.add_url_rule("/api/v1/undeclared", endpoint="api.undeclared", view_func=lambda: "")
    with app.test_request_context(), pytest.raises(AttributeError):
        description.description(app)


def test_the_command_prints_the_same_document(office: Office) -> None:
    """Without a database; in the language of the terminal."""
    printed = CliRunner().invoke(partwell, ["openapi"], env={"PARTWELL_LANG": "en"})
    with i18n.speaking("en"):
        printed = CliRunner().invoke(partwell, ["openapi"])
    assert printed.exit_code == 0 and json.loads(printed.output) == described(office)


def test_a_list_names_its_other_pages(office: Office) -> None:
    """The Link header leads to the next page as long as there is one, with the same filters."""
    cases = [office.case() for _ in range(3)]
    client, own = office.program("admin")
    first = client.get("/api/v1/cases?size=2&status=running", headers=own)
    links = {part.split('rel="')[1][:-1]: part.split(">")[0].strip(" <") for part in first.headers.getlist("Link")}
    assert set(links) == {"first", "next", "last"} and "status=running" in links["next"]
    second = client.get(links["next"], headers=own)
    assert {row["id"] for row in first.json["cases"] + second.json["cases"]} == set(cases)
    hr, own = office.program("wangfang")
    page = hr.get("/api/v1/items?box=group&size=2", headers=own)
    [link] = page.headers.getlist("Link")
    rest = hr.get(link.split(">")[0].strip(" <"), headers=own)
    assert len(page.json["items"] + rest.json["items"]) == 3 and not rest.headers.getlist("Link")


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "nothing", {}, 404, "not_found"),
        ("GET", f"chains/dismissal-approval/versions/{2**70}", {}, 404, "not_found"),
        ("PUT", "me", {}, 405, "method_not_allowed"),
        ("POST", "cases", {"data": b"procedure=x", "content_type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        ("POST", "cases", {"data": b"{", "content_type": "application/json"}, 400, "request_invalid"),
        ("POST", "cases", {"data": b'{"subject": NaN}', "content_type": "application/json"}, 400, "request_invalid"),
        ("POST", "cases", {"data": b'{"subject": 1e999}', "content_type": "application/json"}, 400, "request_invalid"),
        ("GET", "items?size=101", {}, 400, "request_invalid"),
        ("POST", "cases", {"data": b" " * 102 * 2**20, "content_type": "application/json"}, 413, "too_large"),
    ],
)
def test_every_failure_is_problem_details(office: Office, method: str, path: str, options: Any, status: int, code: str) -> None:
    """Whatever went wrong, also before an address was found, is told in the one shape."""
    client, own = office.program("chenli")
    answer = client.open(f"/api/v1/{path}", method=method, headers=own, **options)
    assert answer.status_code == status and answer.mimetype == "application/problem+json"
    assert answer.json["code"] == code and answer.json["status"] == status and answer.json["title"] and answer.json["detail"]
    if status == 405:
        assert "GET" in answer.headers["Allow"]


def test_faults_point_at_what_is_wrong(office: Office) -> None:
    """JSON pointers into the body, names of parameters and headers; in the language of the account."""
    client, own = office.program("chenli")
    files = {"a/b": [{"name": "x.png", "content": 5}]}
    wrong = client.post("/api/v1/cases", json={"procedure": "office", "subject": "x", "files": files}, headers=own).json["errors"]
    assert wrong == [{"pointer": "/files/a~1b/content", "detail": "“files.a/b.content”必须是文本"}]
    assert client.get("/api/v1/items?size=0", headers=own).json["errors"][0]["parameter"] == "size"
    long = {**own, "Idempotency-Key": "x" * 101}
    [said] = client.post("/api/v1/signals", json={"name": "x"}, headers=long).json["errors"]
    assert said["header"] == "Idempotency-Key" and "100" in said["detail"]


def test_the_same_request_under_the_same_key_gets_the_same_answer(office: Office) -> None:
    """Also an act without a ledger is not done twice; what was refused may be sent corrected, and an upload again."""
    office.case()
    client, own = office.program("admin")
    once = {**own, "Idempotency-Key": "1"}
    address = "/api/v1/chains/dismissal-approval/undo"
    assert client.post(address, json={"number": 1}, headers=once).status_code == 400
    answers = [client.post(address, json={"number": 1, "note": "x"}, headers=once) for _ in range(2)]
    assert [answer.json["number"] for answer in answers] == [2, 2] and answers[0].mimetype == answers[1].mimetype
    for path, sent in ((address, {"number": 1, "note": "y"}), ("/api/v1/signals", {"name": "x"})):
        refused = client.post(path, json=sent, headers=once)
        assert refused.status_code == 422 and refused.json["code"] == "key_reused" and "1" in refused.json["detail"]
    hr, others = office.program("wangfang")
    [item, *_] = hr.get("/api/v1/items?box=group", headers=others).json["items"]
    claims = [hr.post(f"/api/v1/items/{item['item_id']}/claim", headers={**others, "Idempotency-Key": "1"}) for _ in range(2)]
    assert [claim.status_code for claim in claims] == [204, 204] and claims[1].data == b""
    again = hr.get(f"/api/v1/items/{item['item_id']}", headers=others).json
    assert "release" in again["may"]
    file = b"\x89PNG\r\n\x1a\n" + bytes(64)
    uploads = [
        hr.post(
            f"/api/v1/items/{item['item_id']}/documents",
            data={"files": (io.BytesIO(file), "b.png")},
            headers={**others, "Idempotency-Key": "2"},
        )
        for _ in range(2)
    ]
    assert uploads[0].status_code == 201 and uploads[0].json == uploads[1].json


def test_kept_answers_are_sealed_and_forgotten_after_a_day(office: Office) -> None:
    """They hold what cases hold."""
    client, own = office.program("chenli")
    sent = {"procedure": "office", "subject": office.people["linxiaobei"], "values": {"what": "上班玩手机", "kind": "phone"}}
    number = client.post("/api/v1/cases", json=sent, headers={**own, "Idempotency-Key": "sealed"}).json["number"]
    database, now = office.services.database, office.services.clock.now()

    def rows() -> list[bytes]:
        with database.reading() as connection:
            return list(connection.execute(sa.select(AnsweredRequest.answer)).scalars())

    assert rows() and all(number.encode() not in answer for answer in rows())
    repeats.forget(database, now + dt.timedelta(hours=23))
    assert rows()
    repeats.forget(database, now + dt.timedelta(hours=25))
    assert rows() == []
