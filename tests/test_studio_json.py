"""What the editors in the browser speak with the server: the draft, its files, the check, what there is to refer to."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from web_office import Office, token

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
