"""Files that lie about what they are, are called by a path, hold nothing or too much: at every door where one comes in."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from diagrams import END, flows, node, user, zeebe
from engine_room import files as procedure_files
from test_giving import PDF
from test_giving_on_the_pages import asked
from web_office import Office, token

from engine import deploying
from engine.errors import FileTooLarge
from webapp.uploads import uploaded

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
#: what a browser or a program may say a file is called, and what is kept of it
NAMES = {
    "../../etc/cron.d/x.pdf": "x.pdf",
    "C:\\Windows\\合同.pdf": "C_Windows合同.pdf",
    "a/b.pdf": "b.pdf",
    "evil\u202efdp.exe": "evil_fdp.exe.pdf",
    "长" * 300 + ".pdf": "长" * 146 + ".pdf",
    "NUL.pdf": "_NUL.pdf",
    "<img src=x onerror=alert(1)>.pdf": "_img src=x onerror=alert(1)_.pdf",
}


@pytest.fixture(scope="module")
def picker(office: Office) -> str:
    """Key of a procedure whose start form and task take pictures only, in a field and in the rows of a list."""
    proof = {"type": "filepicker", "id": "P", "key": "proof", "label": "照片", "accept": "image/*,.heic", "multiple": True}
    rows = {"type": "dynamiclist", "id": "R", "path": "rows", "components": [{**proof, "id": "Q", "key": "shot"}]}
    schema = {"type": "default", "components": [proof, rows]}
    body = (
        node("startEvent", "start", zeebe("formDefinition", formId="f")),
        user("look", zeebe("formDefinition", formId="f")),
        END,
        flows("start > look", "look > end"),
    )
    deploying.deploy(office.services, procedure_files(*body, forms={"f": schema}, rules={"readers": ["hr"]}), procedure="picker")
    return "picker"


def begun(office: Office, procedure: str) -> str:
    """The first work item of a new case."""
    client, own = office.program("chenli")
    sent = {"procedure": procedure, "subject": office.people["linxiaobei"], "values": {}}
    return office.open_item(client.post("/api/v1/cases", json=sent, headers=own).json["case_id"])


def test_names_that_are_paths_or_tricks(office: Office) -> None:
    """附件 (attachments): of whatever a file is called only a harmless last part is kept, at a form, at a decision and for programs."""
    item = office.open_item(office.case())
    hr, signer = office.browser("wangfang"), office.browser("zhaominhua")
    for given in NAMES:
        office.post(hr, f"/items/{item}/upload", {"files": (io.BytesIO(PDF), given)})
    client, own = office.program("wangfang")
    place = f"/api/v1/items/{item}"
    client.post(f"{place}/documents", headers=own, data={"files": (io.BytesIO(PDF), "../program.pdf")})
    kept = [one["name"] for one in client.get(place, headers=own).json["documents"]]
    assert kept == [*NAMES.values(), "program.pdf"]
    item = asked(office)
    sent = {"decision:attachments": [(io.BytesIO(PDF), given) for given in NAMES], "opinion": ""}
    page = office.post(signer, f"/items/{item}/reject", sent).text
    assert "onerror=alert(1)>" not in page and len(re.findall(r'name="decision:attachments" value="\w+" checked', page)) == len(NAMES)
    for one in re.findall(r'href="(/documents/\w+)"', page):
        said = signer.get(one).headers["Content-Disposition"]
        assert ".." not in said and "\\" not in said and "\u202e" not in said


def test_nothing_and_what_lies(office: Office) -> None:
    """附件 (attachments): an empty file and a program called a document are refused by name, and nothing is stored of them."""
    item = office.open_item(office.case())
    hr = office.browser("wangfang", "zh-CN")
    bad = {"空.pdf": b"", "程序.pdf": b"MZ\x90\x00\x03\x00\x00\x00"}
    for name, content in bad.items():
        assert name in office.post(hr, f"/items/{item}/upload", {"files": (io.BytesIO(content), name)}).text
    client, own = office.program("wangfang")
    place = f"/api/v1/items/{item}"
    codes = [client.post(f"{place}/documents", headers=own, data={"files": (io.BytesIO(one), "a.pdf")}) for one in bad.values()]
    assert [(one.status_code, one.json["code"]) for one in codes] == [(422, "file_empty"), (422, "file_type_refused")]
    assert client.get(place, headers=own).json["documents"] == []
    item, signer = asked(office), office.browser("zhaominhua", "zh-CN")
    sent = {"decision:attachments": [(io.BytesIO(content), name) for name, content in bad.items()]}
    refused = office.post(signer, f"/items/{item}/approve", sent)
    assert refused.status_code == 422 and all(name in refused.text for name in bad)
    admin = office.browser("admin", "zh-CN")
    for door, field in (("/people/import", "files"), ("/chains", "file")):
        for name, content in bad.items():
            answer = office.post(admin, door, {field: (io.BytesIO(content), name), "on": "2026-12-01", "key": "odd"})
            assert answer.status_code == 422, (door, name, answer.status_code)


def test_accept_counts_what_a_file_is(office: Office, picker: str) -> None:
    """附件 (attachments): a field that takes pictures refuses a PDF that is called one, by name, in a row, too, and by its id."""
    item = begun(office, picker)
    hr = office.browser("wangfang", "zh-CN")
    liar = office.post(hr, f"/items/{item}/upload", {"proof": [(io.BytesIO(PDF), "照片.png"), (io.BytesIO(PNG), "好.png")]}).text
    assert "“照片.png.pdf”不符合此处要求，请选择 .png, .jpg, .jpeg, .webp 类型的文件。" in liar and "好.png" in liar
    client, own = office.program("wangfang")
    place = f"/api/v1/items/{item}"
    row = client.post(f"{place}/documents", headers=own, data={"rows[0].shot": (io.BytesIO(PDF), "a.png")})
    assert row.status_code == 422 and row.json["errors"][0]["pointer"] == "/values/rows/0/shot"
    [good] = (one["id"] for one in client.get(place, headers=own).json["documents"])
    assert client.post(f"{place}/complete", headers=own, json={"values": {"rows": [{"shot": [good]}]}}).status_code == 204
    chenli = office.browser("chenli", "zh-CN")
    begin = f"/start/{picker}/{office.people['linxiaobei']}"
    assert "“a.png.pdf”不符合此处要求" in office.post(chenli, begin, {"proof": (io.BytesIO(PDF), "a.png")}).text
    assert office.post(chenli, begin, {"proof": (io.BytesIO(PNG), "a.png")}).status_code == 302


class Endless(io.RawIOBase):
    """As large as it says, and not to be read."""

    def __init__(self, size: int) -> None:
        self._size = size

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("it was read")


def test_a_hundred_megabytes(office: Office) -> None:
    """附件 (attachments): refused in a sentence before anything is read, whether one file is too large or all that is sent."""
    sent: Any = type("Sent", (), {"stream": Endless(100 * 1024 * 1024), "filename": "../巨大.pdf", "mimetype": ""})
    with office.app.app_context(), pytest.raises(FileTooLarge) as refused:
        uploaded(sent)
    assert (refused.value.facts["name"], refused.value.facts["size"]) == ("巨大.pdf", "100.0")
    item, signer = office.open_item(office.case()), office.browser("wangfang", "zh-CN")
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    length = {"CONTENT_LENGTH": str(300 * 1024 * 1024)}
    program, own = office.program("wangfang")
    for door in (f"/items/{item}/upload", "/people/import"):
        answer = signer.post(door, headers=headers, input_stream=Endless(0), environ_overrides=length)
        assert answer.status_code == 413 and "20 MB" in answer.text, door
    told = program.post(f"/api/v1/items/{item}/attachments", headers=own | headers, input_stream=Endless(0), environ_overrides=length)
    assert (told.status_code, told.json["code"]) == (413, "too_large")
    assert token(signer, "/account")
