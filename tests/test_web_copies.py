"""抄送 on the pages and in the JSON interface."""

from __future__ import annotations

import sqlalchemy as sa
from web_office import Office

from engine.models import Person


def test_copy_is_sent_from_a_work_item_and_read_by_opening_it(office: Office) -> None:
    """抄送 (copy): people are chosen, the page tells who has read it; its holder finds the case and nothing to do there."""
    case = office.case()
    item = office.talked(case)
    signer, colleague = office.browser("zhaominhua", "zh-CN"), office.browser("liuhai", "zh-CN")
    assert colleague.get(f"/cases/{case}").status_code == 403
    sent = {"person": [office.people["liuhai"]], "reason": "请知悉"}
    answer = office.post(signer, f"/items/{item}/copy", sent)
    assert answer.status_code == 302 and "已抄送" in signer.get(answer.location).text
    assert "未阅" in signer.get(f"/items/{item}").text
    page = colleague.get(f"/items/{item}").text
    assert "请知悉" in page and "此处无需您办理，可以查看" in page and "/approve" not in page
    assert "已阅" in signer.get(f"/cases/{case}").text
    refused = office.post(signer, f"/items/{item}/copy", {"person": [office.people["linxiaobei"]], "reason": "请知悉"})
    assert refused.status_code == 422 and "林小北" in refused.text and "请知悉" in refused.text


def test_copy_of_a_case_is_sent_from_its_page(office: Office) -> None:
    """抄送 (copy): whoever takes part chooses people; a reader by copy only, and whom the case is about, are offered nothing."""
    case = office.case()
    office.talked(case)
    boss, colleague, employee = (office.browser(login, "zh-CN") for login in ("chenli", "liuhai", "linxiaobei"))
    assert f"/cases/{case}/copy" in boss.get(f"/cases/{case}").text
    found = office.post(boss, f"/cases/{case}/copy", {"do": "find", "find": "刘海"})
    assert office.people["liuhai"] in found.text and office.people["linxiaobei"] not in found.text
    assert office.post(boss, f"/cases/{case}/copy", {}).status_code == 422
    answer = office.post(boss, f"/cases/{case}/copy", {"person": [office.people["liuhai"]]})
    assert answer.status_code == 302 and "刘海" in boss.get(f"/cases/{case}").text
    assert f"/cases/{case}/copy" not in colleague.get(f"/cases/{case}").text
    assert office.post(colleague, f"/cases/{case}/copy", {"person": [office.people["wangfang"]]}).status_code == 403
    assert office.post(employee, f"/cases/{case}/copy", {"person": [office.people["wangfang"]]}).status_code == 403


def test_copy_by_programs(office: Office) -> None:
    """抄送 (copy): sent, listed and read by their addresses; refused with a reason."""
    case = office.case()
    item = office.talked(case)
    signer, own = office.program("zhaominhua")
    sent = {"persons": [office.people["liuhai"]], "reason": "请知悉"}
    assert signer.post(f"/api/v1/items/{item}/copies", json=sent, headers=own).status_code == 204
    assert signer.post(f"/api/v1/cases/{case}/copies", json={**sent, "persons": []}, headers=own).status_code == 422
    wrong = signer.post(f"/api/v1/cases/{case}/copies", json={"persons": [office.people["linxiaobei"]]}, headers=own)
    assert wrong.status_code == 409 and wrong.json["code"] == "may_not_be_told"
    [row] = signer.get(f"/api/v1/cases/{case}/copies", headers=own).json["copies"]
    assert (row["name"], row["by"], row["read_at"], row["note"]) == ("刘海", "赵敏华", None, "请知悉")
    colleague, headers = office.program("liuhai")
    assert colleague.get(f"/api/v1/cases/{case}", headers=headers).status_code == 200
    assert colleague.post(f"/api/v1/cases/{case}/copies/read", headers=headers).status_code == 204
    assert signer.get(f"/api/v1/cases/{case}/copies", headers=own).json["copies"][0]["read_at"]


def test_copied_to_me_is_a_box(office: Office) -> None:
    """抄送我的: listed and counted until it is opened, in pages and for programs."""
    case = office.case()
    item = office.talked(case)
    office.post(office.browser("zhaominhua"), f"/items/{item}/copy", {"person": [office.people["hexiulan"]]})
    colleague = office.browser("hexiulan", "zh-CN")
    page = colleague.get("/inbox/copied").text
    assert "赵敏华 抄送" in page and f"/items/{item}" in page and "未阅" in page
    program, own = office.program("hexiulan")
    listed = program.get("/api/v1/copies", headers=own).json
    assert (listed["total"], listed["unread"], listed["copies"][0]["item_id"]) == (1, 1, item)
    colleague.get(f"/items/{item}")
    assert "未阅" not in colleague.get("/inbox/copied").text
    assert program.get("/api/v1/copies", headers=own).json["unread"] == 0
    assert "没有符合条件的待办" in colleague.get("/inbox/copied?search=xyz").text


def test_comment_is_written_answered_and_printed(office: Office) -> None:
    """沟通 (ask): who is named with @ is chosen, not guessed; the answer stands below, on the case, the item and the record."""
    case = office.case()
    item = office.talked(case)
    signer, hr, employee = (office.browser(login, "zh-CN") for login in ("zhaominhua", "wangfang", "linxiaobei"))
    address = f"/cases/{case}/comments"
    asked = office.post(signer, address, {"text": "@王芳 考勤记录完整吗？", "item": item})
    assert asked.status_code == 422 and "请在下方勾选" in asked.text and "@王芳 考勤记录完整吗？" in asked.text
    first = asked.text.index("pick")
    assert office.people["wangfang"] in asked.text[first : first + 1500]
    sent = {"text": "@王芳 考勤记录完整吗？", "item": item, "person": [office.people["wangfang"]]}
    assert office.post(signer, address, sent).status_code == 302
    page = hr.get(f"/cases/{case}").text
    assert "考勤记录完整吗" in page and "answers=" in page
    answers = page.split("answers=")[1][:32]
    assert "回复 赵敏华" in hr.get(f"{address}?answers={answers}").text
    assert office.post(hr, address, {"text": "完整。", "answers": answers}).status_code == 302
    for shown in (f"/items/{item}", f"/cases/{case}", f"/cases/{case}/approvals"):
        assert "完整。" in signer.get(shown).text and "回复 赵敏华" in signer.get(shown).text, shown
    refused = office.post(signer, address, {"text": "请看", "person": [office.people["linxiaobei"]]})
    assert refused.status_code == 422 and "林小北" in refused.text and "请看" in refused.text
    assert employee.get(address).status_code == 403 and office.post(employee, address, {"text": "?"}).status_code == 403


def test_comment_names_the_longer_of_two_names(office: Office) -> None:
    """沟通 (ask): who is chosen and named is not taken for somebody whose name theirs begins with."""
    case = office.case()
    address, hr = f"/cases/{case}/comments", office.people["wangfang"]
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.update(Person).where(Person.id == hr).values(name="陈立华"))
        unit.commit()
    page = office.post(office.browser("admin", "zh-CN"), address, {"text": "@陈立华 请看", "person": [hr]})
    alone = office.post(office.browser("admin", "zh-CN"), address, {"text": "@陈立 请看", "person": [hr]})
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.update(Person).where(Person.id == hr).values(name="王芳"))
        unit.commit()
    assert page.status_code == 302 and alone.status_code == 422


def test_comment_by_programs(office: Office) -> None:
    """沟通 (ask): written and listed by its address; who may not read the case is refused by name."""
    case = office.case()
    client, own = office.program("wangfang")
    address = f"/api/v1/cases/{case}/comments"
    assert client.post(address, json={"text": "材料齐全", "mentions": [office.people["chenli"]]}, headers=own).status_code == 204
    [row] = client.get(address, headers=own).json["comments"]
    assert (row["name"], row["text"], row["mentions"]) == ("王芳", "材料齐全", ["陈立"])
    wrong = client.post(address, json={"text": "请看", "mentions": [office.people["hexiulan"]]}, headers=own)
    assert wrong.status_code == 409 and "何秀兰" in wrong.json["detail"]
    assert client.post(address, json={"text": " "}, headers=own).status_code == 422
