"""Attachments, signatures and opinions as signers give them on the pages, with and without JavaScript, and through the JSON interface."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from browser import DESK, PHONE, SCREENSHOTS, Visitor
from playwright.sync_api import Browser, expect
from test_giving import PDF, drawing
from web_office import PASSWORD, Office

CHAIN = "/api/v1/chains/dismissal-approval"


def asked(office: Office, **settings: Any) -> str:
    """The approval of a new case, whose steps have these settings; the item's id."""
    client, own = office.program("admin")
    draft = client.get(f"{CHAIN}/draft", headers=own).json["draft"]
    ours = ("opinion", "signature", "attachments", "attachment_types", "attachment_mb", "batch")
    steps = [{name: value for name, value in step.items() if name not in ours} | settings for step in draft["steps"]]
    drafted = office.draft(CHAIN.rpartition("/")[2], steps, (client, own))
    assert client.post(f"{CHAIN}/publish", headers=drafted, json={"note": "x"}).status_code == 200
    return office.talked(office.case())


def test_attachments_survive_what_else_is_wrong(office: Office) -> None:
    """附件 (attachments): without JavaScript a file that was sent stays on the page, and one of the wrong kind is named."""
    item = asked(office, opinion="always", attachments="required", attachment_types=["pdf"])
    signer = office.browser("zhaominhua", "zh-CN")
    page = signer.get(f"/items/{item}").text
    assert "同意时须提供。 PDF 文件，每个不超过" in page and 'accept="application/pdf"' in page
    sent = {"decision:attachments": [(io.BytesIO(PDF), "会议纪要.pdf"), (io.BytesIO(drawing()), "照片.png")]}
    refused = office.post(signer, f"/items/{item}/approve", sent)
    assert refused.status_code == 422 and "文件“照片.png”不能作为附件：本环节仅接受PDF 文件" in refused.text
    kept = re.findall(r'name="decision:attachments" value="(\w+)" checked', refused.text)
    again = office.post(signer, f"/items/{item}/approve", {"decision:attachments": kept})
    assert again.status_code == 422 and "本环节须填写审批意见" in again.text and kept[0] in again.text and len(kept) == 1
    assert office.post(signer, f"/items/{item}/approve", {"decision:attachments": kept, "opinion": "同意"}).status_code == 302
    shown = office.browser("sunzhiyuan", "zh-CN").get(f"/items/{item}").text
    assert f'href="/documents/{kept[0]}"' in shown and "会议纪要.pdf" in shown
    assert office.browser("sunzhiyuan").get(f"/documents/{kept[0]}").data == PDF
    assert office.browser("linxiaobei").get(f"/documents/{kept[0]}").status_code == 403


def test_attachments_go_with_a_return(office: Office) -> None:
    """附件 (attachments): beside the reason of a return; where the step takes none, the field is not there."""
    item = asked(office)
    office.post(office.browser("zhaominhua"), f"/items/{item}/approve")
    second = office.browser("sunzhiyuan", "zh-CN")
    step = re.findall(r'name="to" value="(step:\w+)"', second.get(f"/items/{item}/return").text)[0]
    sent = {"to": step, "reason": "", "decision:attachments": [(io.BytesIO(PDF), "缺项.pdf")]}
    refused = office.post(second, f"/items/{item}/return", sent)
    [kept] = re.findall(r'name="decision:attachments" value="(\w+)" checked', refused.text)
    assert refused.status_code == 422
    done = office.post(second, f"/items/{item}/return", {"to": step, "reason": "材料不全", "decision:attachments": kept})
    assert done.status_code == 302 and "缺项.pdf" in office.browser("zhaominhua").get(f"/items/{item}").text
    item = asked(office, attachments="never")
    assert "decision:attachments" not in office.browser("zhaominhua").get(f"/items/{item}").text


def test_draft_keeps_what_was_chosen_and_drawn(office: Office) -> None:
    """草稿 (draft): files, signature and opinion stay when the signer goes to 更多 and back; a return uses them up."""
    item = asked(office, signature=True)
    first, second = office.browser("zhaominhua", "zh-CN"), office.browser("sunzhiyuan", "zh-CN")
    assert office.post(first, f"/items/{item}/approve", {"decision:drawn": (io.BytesIO(drawing()), "s.png")}).status_code == 302
    given: dict[str, Any] = {"opinion": "材料不全", "decision:attachments": (io.BytesIO(PDF), "缺项.pdf")}
    gone = office.post(second, f"/items/{item}/draft?then=return", given | {"decision:drawn": (io.BytesIO(drawing()), "s.png")})
    assert gone.status_code == 302 and gone.location == f"/items/{item}/return"
    page, asking = second.get(f"/items/{item}").text, second.get(gone.location).text
    [kept] = re.findall(r'name="decision:attachments" value="(\w+)" checked', page)
    assert "材料不全</textarea>" in page and re.search(r'name="decision:signature" value="\w+"', page)
    assert "材料不全</textarea>" in asking and kept in asking
    assert kept not in first.get(f"/items/{item}").text
    [step] = re.findall(r'name="to" value="(step:\w+)"', asking)
    sent = {"to": step, "reason": "材料不全", "decision:attachments": kept}
    assert office.post(second, f"/items/{item}/return", sent).status_code == 302
    assert office.post(first, f"/items/{item}/approve", {"decision:drawn": (io.BytesIO(drawing()), "s.png")}).status_code == 302
    again = second.get(f"/items/{item}").text
    assert 'id="opinion"' in again and "材料不全</textarea>" not in again and 'name="decision:signature"' not in again


def test_opinion_never_on_the_page(office: Office) -> None:
    """审批意见 (opinion never): no field with an approval; the reason of a rejection is asked for behind its button."""
    item = asked(office, opinion="never")
    signer = office.browser("zhaominhua", "zh-CN")
    page = signer.get(f"/items/{item}").text
    assert "驳回原因" in page and 'id="opinion-help"' not in page
    empty = office.post(signer, f"/items/{item}/reject")
    assert empty.status_code == 422 and '<details class="reject-with" open>' in empty.text
    assert office.post(signer, f"/items/{item}/approve", {"opinion": "同意"}).status_code == 422
    assert office.post(signer, f"/items/{item}/approve").status_code == 302


def test_signature_as_a_picture(office: Office) -> None:
    """手写签名 (drawn signature): without JavaScript a picture is chosen; it stays where something else is wrong; a blank one does not."""
    item = asked(office, opinion="always", signature=True)
    signer = office.browser("zhaominhua", "zh-CN")
    empty = office.post(signer, f"/items/{item}/approve", {"decision:drawn": (io.BytesIO(drawing(strokes=False)), "x.png")})
    assert empty.status_code == 422 and "没有可辨认的笔迹" in empty.text
    refused = office.post(signer, f"/items/{item}/approve", {"decision:drawn": (io.BytesIO(drawing("JPEG")), "签名.jpg")})
    [kept] = re.findall(r'name="decision:signature" value="(\w+)"', refused.text)
    assert refused.status_code == 422 and 'src="data:image/png;base64,' in refused.text
    assert office.post(signer, f"/items/{item}/approve", {"decision:signature": kept, "opinion": "同意"}).status_code == 302
    shown = office.browser("sunzhiyuan", "zh-CN").get(f"/items/{item}").text
    assert "的签名" in shown
    stranger = {"decision:signature": kept, "opinion": "同意"}
    assert office.post(office.browser("sunzhiyuan"), f"/items/{item}/approve", stranger).status_code == 404


def test_a_program_sends_files_first_and_names_them(office: Office) -> None:
    """附件 and 手写签名 (attachments, signature): documents are sent before, and the decision names them by id."""
    item = asked(office, signature=True, attachments="required")
    client, own = office.program("zhaominhua")
    place = f"/api/v1/items/{item}"
    asks = client.get(place, headers=own).json["asks"]
    assert (asks["signature"], asks["attachments"], asks["batch"]) == (True, "required", False)
    missing = client.post(f"{place}/approve", headers=own, json={})
    assert missing.status_code == 422 and {one["pointer"] for one in missing.json["errors"]} == {"/attachments", "/signature"}
    assert client.post(f"{place}/attachments", headers=own).status_code == 400
    files = client.post(f"{place}/attachments", headers=own, data={"file": (io.BytesIO(PDF), "纪要.pdf")})
    drawn = client.post(f"{place}/signature", headers=own, data={"file": (io.BytesIO(drawing()), "s.png")})
    assert (files.status_code, drawn.status_code) == (201, 201)
    given = {"attachments": files.json["documents"], "signature": drawn.json["document"]}
    assert client.post(f"{place}/approve", headers=own, json=given).status_code == 204
    step = client.get(place, headers=own).json["steps"][0]
    assert [one["id"] for one in step["attachments"]] == given["attachments"] and step["signature"]["id"] == given["signature"]
    case = client.get(place, headers=own).json["case_id"]
    reader = office.browser("wangfang", "zh-CN")
    record = reader.get(f"/cases/{case}/approvals").text
    digest = step["attachments"][0]["sha256"]
    assert f"附件：纪要.pdf（SHA-256 {digest[:8]} {digest[8:16]} " in record and 'src="data:image/png;base64,' in record
    printed = reader.get(f"/cases/{case}/approvals.pdf")
    if SCREENSHOTS:
        Path(SCREENSHOTS, "record.pdf").write_bytes(printed.data)
    assert printed.status_code == 200 and b"/Subtype /Image" in printed.data.replace(b"/Subtype/Image", b"/Subtype /Image")
    other, headers = office.program("sunzhiyuan")
    assert other.post(f"{place}/approve", headers=headers, json=given).status_code == 404


def test_print_chosen_attachments(office: Office) -> None:
    """打印 审批单 (print): who prints it chooses which attachments it names; at first all of them."""
    item = asked(office, attachments="allowed")
    client, own = office.program("zhaominhua")
    place = f"/api/v1/items/{item}"
    sent = [client.post(f"{place}/attachments", headers=own, data={"file": (io.BytesIO(PDF), f"{name}.pdf")}) for name in ("纪要", "截图")]
    first, second = (one.json["documents"][0] for one in sent)
    assert client.post(f"{place}/approve", headers=own, json={"attachments": [first, second]}).status_code == 204
    case = client.get(place, headers=own).json["case_id"]
    reader = office.browser("wangfang", "zh-CN")
    whole, some, none = (reader.get(f"/cases/{case}/approvals{query}").text for query in ("", f"?chosen=1&with={first}", "?chosen=1"))
    assert "附件：纪要.pdf" in whole and "附件：截图.pdf" in whole and "选择打印哪些附件" in whole
    assert "附件：纪要.pdf" in some and "附件：截图.pdf" not in some and f"approvals.pdf?chosen=1&amp;with={first}" in some
    assert "附件：" not in none and "选择打印哪些附件" in none
    assert reader.get(f"/cases/{case}/approvals.pdf?chosen=1&with={second}&with=x").status_code == 200


def stroke(visitor: Visitor, *points: tuple[float, float]) -> None:
    """Draw over the canvas, in parts of its width and height."""
    canvas = visitor.page.locator(".signature-pad canvas")
    canvas.evaluate("canvas => canvas.scrollIntoView({ block: 'center', behavior: 'instant' })")
    box = canvas.bounding_box()
    assert box
    mouse = visitor.page.mouse
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    mouse.move(*at[0])
    mouse.down()
    for point in at[1:]:
        mouse.move(*point, steps=5)
    mouse.up()


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_signature_is_drawn(office: Office, address: str, chromium: Browser, width: int, tmp_path: Path) -> None:
    """手写签名 (drawn signature): on a phone and at a desk; strokes are taken back, and what was drawn survives a refusal."""
    item = asked(office, opinion="always", signature=True)
    signer = Visitor(chromium, address, "zhaominhua", PASSWORD, width)
    signer.page.goto(f"/items/{item}")
    undo = signer.page.get_by_role("button", name="撤销一笔")
    expect(undo).to_be_disabled()
    stroke(signer, (0.1, 0.7), (0.2, 0.2), (0.35, 0.7))
    stroke(signer, (0.4, 0.3), (0.6, 0.75))
    signer.look(f"signature-{width}")
    undo.click()
    undo.click()
    expect(undo).to_be_disabled()
    note = tmp_path / "会议纪要.pdf"
    note.write_bytes(PDF)
    signer.page.get_by_label("附件").set_input_files(note)
    signer.page.get_by_role("button", name="同意", exact=True).click()
    signer.reads("本环节须手写签名。", "会议纪要.pdf")
    stroke(signer, (0.1, 0.7), (0.2, 0.2), (0.35, 0.7), (0.5, 0.3), (0.8, 0.6))
    signer.page.get_by_role("button", name="同意", exact=True).click()
    signer.reads("本环节须填写审批意见。")
    expect(signer.page.get_by_role("img", name="您的签名")).to_be_visible()
    signer.complaints = [said for said in signer.complaints if "422" not in said]
    signer.look(f"signature-kept-{width}")
    signer.write("意见", "情况属实，同意。")
    signer.page.get_by_role("button", name="同意", exact=True).click()
    signer.page.wait_for_url("**/inbox")
    signer.page.goto(f"/items/{item}")
    expect(signer.page.get_by_role("img", name="的签名")).to_be_visible()
    signer.look(f"signature-given-{width}")
    signer.leave()


def test_opinion_never_on_a_phone(office: Office, address: str, chromium: Browser) -> None:
    """审批意见 (opinion never): the reason of a rejection opens behind the button."""
    item = asked(office, opinion="never")
    signer = Visitor(chromium, address, "zhaominhua", PASSWORD, PHONE)
    signer.page.goto(f"/items/{item}")
    signer.look("opinion-never")
    signer.page.locator("summary", has_text="驳回").click()
    signer.write("驳回原因", "材料不全")
    signer.look("opinion-never-reject")
    signer.page.get_by_role("button", name="确认驳回").click()
    signer.page.wait_for_url("**/inbox")
    signer.leave()
