"""审批单: what is on it, the PDF, and the code that leads back."""

from __future__ import annotations

import re

from web_office import Office


def test_print_tells_every_round_and_its_code_leads_back(office: Office) -> None:
    """打印 审批单 (print): both rounds with opinions and who returned it; its code tells what came later, a changed one is none."""
    case = office.case()
    item = office.talked(case)
    first, second = office.browser("zhaominhua", "zh-CN"), office.browser("sunzhiyuan", "zh-CN")
    office.post(first, f"/items/{item}/approve", {"opinion": "情况属实"})
    page = second.get(f"/items/{item}/return").text
    step = re.findall(r'name="to" value="(step:\w+)"', page)[0]
    office.post(second, f"/items/{item}/return", {"to": step, "reason": "材料不全"})
    hr = office.browser("wangfang", "zh-CN")
    assert f'href="/cases/{case}/approvals"' in hr.get(f"/cases/{case}").text
    page = hr.get(f"/cases/{case}/approvals").text
    assert "情况属实" in page and "材料不全" in page and "不再计入（由 孙志远 退回）" in page and "预计" not in page
    assert "KF-017 · 客" in page
    [code] = set(re.findall(r"<code>([\w-]+)</code>", page))
    checked = hr.get(f"/check/{code.lower()}").text
    assert "核验码有效" in checked and "此后该事项没有新增记录" in checked and f"/cases/{case}" in checked
    office.post(first, f"/items/{item}/approve", {"opinion": "已补齐"})
    assert "此后该事项新增" in hr.get(f"/check/{code}").text
    for wrong in (code[:-1] + ("0" if code[-1] != "0" else "1"), code.rpartition("-")[0], "x", "A-²-B"):
        assert hr.get(f"/check/{wrong}").status_code == 404, wrong


def test_print_as_pdf_in_both_languages(office: Office) -> None:
    """打印 审批单 (print): a PDF in the language of the reader."""
    case = office.case()
    office.talked(case)
    for language in ("zh-CN", "en"):
        answer = office.browser("wangfang", language).get(f"/cases/{case}/approvals.pdf")
        assert answer.status_code == 200 and answer.data.startswith(b"%PDF-") and answer.mimetype == "application/pdf"


def test_who_takes_no_part_sees_neither_record_nor_what_a_code_leads_to(office: Office) -> None:
    """Nor does whom it is about, though what they hold in their hands they may check; who has nothing to do with the case may not."""
    case = office.case()
    office.approved(case)
    code = re.findall(r"<code>([\w-]+)</code>", office.browser("wangfang").get(f"/cases/{case}/approvals").text)[0]
    employee = office.browser("linxiaobei")
    assert [employee.get(f"/cases/{case}/approvals{end}").status_code for end in ("", ".pdf")] == [403, 403]
    checked = employee.get(f"/check/{code}")
    assert checked.status_code == 200 and f'href="/cases/{case}"' in checked.text and f"/cases/{case}/approvals" not in checked.text
    assert f"/cases/{case}/approvals" in office.browser("wangfang").get(f"/check/{code}").text
    assert office.browser("liuhai").get(f"/check/{code}").status_code == 403
    assert office.app.test_client().get(f"/check/{code}").status_code == 302
