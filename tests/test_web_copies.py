"""抄送 on the pages and in the JSON interface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web_office import Office


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    opened = Office(tmp_path_factory.mktemp("office"))
    yield opened
    opened.services.database.dispose()


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
