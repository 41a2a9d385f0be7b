"""The pages on which managers look at versions, move cases to another one, return a case and open it again."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, service, user
from engine_room import files as procedure_files
from web_office import Office, with_a_term

from engine import deploying, versions
from engine.models import Case, Holding
from engine.studio import listing


def deployed(office: Office, *tasks: str) -> int:
    """Number of a new version of the procedure `term`: these tasks in a row."""
    ways = [f"{a} > {b}" for a, b in zip(("start", *tasks), (*tasks, "end"), strict=True)]
    files = procedure_files(START, *(user(task) for task in tasks), END, flows(*ways))
    return int(deploying.deploy(office.services, files, procedure="term")[0].number)


def tabs(page: str) -> list[str]:
    found = re.search(r'<nav class="procedure-tabs".*?</nav>', page, re.DOTALL)
    return re.findall(r">([^<]+)</a>", found[0]) if found else []


def test_each_sees_of_a_procedure_what_they_may(office: Office) -> None:
    """A supervisor the diagram, HR how cases go, a manager everything; nobody a tab that refuses them."""
    every = ["概览", "草稿", "试运行", "场景", "版本", "在办事项", "统计"]
    for login, seen in (("chenli", []), ("wangfang", [every[0], *every[-2:]]), ("sunzhiyuan", every)):
        reader = office.browser(login, "zh-CN")
        assert 'href="/procedures"' in reader.get("/inbox").text and "/procedures/office" in reader.get("/procedures").text
        page = reader.get("/procedures/office").text
        assert tabs(page) == seen and "<svg" in page and "可发起人员" in page
        assert ("件在办事项" in page) == bool(seen)
        for address in re.findall(r'<a href="(/[^"]+/office[^"]*)"', page):
            assert reader.get(address).status_code == 200, (login, address)
            assert tabs(reader.get(address).text) == seen
    outsider = office.browser("liuhai")
    assert outsider.get("/procedures/office").status_code == 403
    assert outsider.get("/procedures/none").status_code == 404


def test_the_list_counts_what_is_in_hand_but_nothing_about_the_reader(office: Office) -> None:
    """Running cases and open incidents; whoever a case is about does not learn of it here."""
    before = listed(office, "sunzhiyuan")
    office.usage.refuses = True
    office.case()
    office.usage.refuses = False
    with office.services.database.reading() as connection:
        about = connection.execute(sa.select(Case.subject_id)).scalars().all()[-1]
    after = listed(office, "sunzhiyuan")
    assert (after.running, after.incidents) == ((before.running or 0) + 1, (before.incidents or 0) + 1)
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.insert(Holding).values(person_id=about, role="hr"))
        unit.commit()
    own = listed(office, about)
    assert (own.running, own.incidents) == (0, 0)
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.delete(Holding).where(Holding.person_id == about, Holding.role == "hr"))
        unit.commit()
    assert "个异常" in office.browser("sunzhiyuan").get("/procedures").text


def listed(office: Office, who: str) -> listing.ProcedureRow:
    with office.services.database.reading() as connection:
        return listing.procedure(office.services, connection, "office", actor=office.people.get(who, who))


def test_a_procedure_without_an_active_version_is_only_a_draft(office: Office) -> None:
    """Its page leads to the draft, where there are no tabs for what it has not."""
    manager = office.browser("admin", "en")
    page = office.post(manager, "/procedures", {"key": "promotion", "name": "晋升", "name_en": "Promotion"}, follow_redirects=True).text
    assert tabs(page) == ["Draft", "Try the draft", "Scenarios"]
    assert manager.get("/procedures/promotion").headers["Location"] == "/studio/promotion"
    assert office.browser("sunzhiyuan").get("/procedures/promotion").status_code == 404


def test_managers_see_versions_and_move_cases_after_a_dry_run(office: Office) -> None:
    """Who cannot move is named with the reason; a renaming is typed; the move is told on the case, and taken back."""
    case = with_a_term(office)
    to = deployed(office, "review", "b")
    manager = office.browser("admin", "en")
    page = manager.get("/studio/term/versions").text
    assert f"/procedures/term/versions/{to}/cases" in page and "1 running case" in page
    address = f"/procedures/term/versions/{to}/cases"
    page = manager.get(address).text
    assert "1 case cannot move" in page and "there is no such element there" in page and "Move 0 cases" in page
    assert "Each line must be" in manager.get(f"{address}?mapping=a").text
    page = manager.get(f"{address}?mapping=a+%3D+review").text
    assert "1 case can move" in page and "Move 1 case<" in page
    missing = office.post(manager, address, {"mapping": "a = review", "reason": " "})
    assert missing.status_code == 422 and "a = review" in missing.text
    moved = office.post(manager, address, {"mapping": "a = review", "reason": "改名"}, follow_redirects=True)
    assert "1 case moved to this version." in moved.text
    assert "Take moved cases back" in manager.get("/studio/term/versions").text
    page = manager.get(f"/cases/{case}").text
    assert "Moved to another version of the procedure" in page and f"version {to}" in page
    back = office.post(manager, "/procedures/term/undo", {"reason": "弄错"}, follow_redirects=True)
    assert "1 case is back on its former version." in back.text
    assert manager.get(f"/procedures/term/versions/{to + 7}/cases").status_code == 404


def test_a_version_that_cannot_be_is_not_found(office: Office) -> None:
    """A number beyond what a database holds, a name with a zero byte."""
    manager = office.browser("admin")
    for address in ("office/versions/9999999999", "office/versions/" + "9" * 30, "%00/versions/1"):
        for act in ("activate", "cases"):
            assert manager.get(f"/procedures/{address}/{act}").status_code == 404


def test_the_pages_in_chinese(office: Office) -> None:
    """With the words of the trade."""
    to = deployed(office, "z", "b")
    with_a_term(office)
    manager = office.browser("admin", "zh-CN")
    assert "已发起的事项保持原版本" in manager.get("/studio/term/versions").text
    assert "目标版本中没有该环节" in manager.get(f"/procedures/term/versions/{to}/cases").text


def test_a_manager_returns_a_case_and_opens_it_again(office: Office) -> None:
    """First what would follow, then with a reason; on the case page it stands with who and why."""
    case = office.case()
    office.talked(case)
    manager = office.browser("sunzhiyuan")
    assert f"/cases/{case}/return" in manager.get(f"/cases/{case}").text
    page = manager.get(f"/cases/{case}/return?element=talk").text
    assert "退回的后果" in page and "事项将从“面谈记录”继续办理。" in page
    assert office.post(manager, f"/cases/{case}/return", {"element": "talk"}).status_code == 422
    done = office.post(manager, f"/cases/{case}/return", {"element": "talk", "reason": "记录不完整"}, follow_redirects=True)
    assert "退回到先前环节" in done.text and "记录不完整" in done.text
    office.post(manager, f"/cases/{case}/terminate", {"reason": "x"})
    assert "重新打开事项" in manager.get(f"/cases/{case}").text
    again = office.post(manager, f"/cases/{case}/return", {"element": "talk", "reason": "仲裁要求"}, follow_redirects=True)
    assert "仲裁要求" in again.text and "进行中" in again.text


def test_others_find_none_of_this(office: Office) -> None:
    """No link, and a refusal for who types the address."""
    number = deployed(office, "review")
    case = office.case()
    other = office.browser("wangfang")
    assert f"/cases/{case}/return" not in other.get(f"/cases/{case}").text
    for address in ("/studio/term/versions", f"/procedures/term/versions/{number}/cases", f"/cases/{case}/return"):
        assert other.get(address).status_code == 403
    assert office.post(other, f"/cases/{case}/return", {"element": "talk", "reason": "x"}).status_code == 403
    assert office.post(other, "/procedures/term/undo", {"reason": "x"}).status_code == 403


def test_managers_activate_roll_back_suspend_and_resume_a_version(office: Office) -> None:
    """Each act has a page of its own that says what would follow and wants a reason, which is kept with the version."""
    case = with_a_term(office)
    old, new = deployed(office, "b"), deployed(office, "b", "c")
    manager = office.browser("admin", "en")
    page = manager.get("/studio/term/versions").text
    back, hold = f"/procedures/term/versions/{old}/activate", f"/procedures/term/versions/{new}/suspend"
    assert f"Roll back to version {old}" in page and back in page and hold in page
    assert "New cases start on this version" in manager.get(back).text
    missing = office.post(manager, back, {"reason": " "})
    assert missing.status_code == 422 and "This is required." in missing.text
    done = office.post(manager, back, {"reason": "新版有误"}, follow_redirects=True).text
    assert "Done. It is kept with the version" in done and "新版有误" in done and f"Reactivate version {new}" in done
    assert [row.number for row in versions.versions(office.services, "term") if row.active] == [old]
    hold = f"/procedures/term/versions/{old}/suspend"
    assert "none starts on it" in manager.get(hold).text
    assert "Suspended" in office.post(manager, hold, {"reason": "待查"}, follow_redirects=True).text
    resume = f"/procedures/term/versions/{old}/resume"
    assert "no case can start on it" in manager.get(back).text and resume in manager.get("/studio/term/versions").text
    office.post(manager, resume, {"reason": "已查明"})
    acts = [(act.act, act.by, act.note) for row in versions.versions(office.services, "term") if row.number == old for act in row.acts]
    assert acts[-3:] == [("activated", "管理员", "新版有误"), ("suspended", "管理员", "待查"), ("resumed", "管理员", "已查明")]
    assert manager.get(f"/cases/{case}").status_code == 200
    assert manager.get("/procedures/term/versions/99/activate").status_code == 404
    assert manager.get(f"/procedures/term/versions/{old}/delete").status_code == 404


def test_a_version_that_no_longer_fits_is_not_activated(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation that is gone since it was deployed is named in the reader's language; nothing changes."""
    files = procedure_files(START, service("call", operation="ehr.app_usage", name="调取记录"), END, flows("start > call", "call > end"))
    old = int(deploying.deploy(office.services, files, procedure="term")[0].number)
    new = deployed(office, "b")
    monkeypatch.delitem(cast("dict[str, Any]", office.services.operations), "ehr.app_usage")
    manager = office.browser("admin", "zh-CN")
    refused = office.post(manager, f"/procedures/term/versions/{old}/activate", {"reason": "试用"})
    assert refused.status_code == 422 and "ehr.app_usage" in refused.text and "调取记录" in refused.text and "试用" in refused.text
    assert [row.number for row in versions.versions(office.services, "term") if row.active] == [new]


def test_acts_on_versions_in_chinese_and_for_managers_only(office: Office) -> None:
    """With the words of the trade; whoever manages nothing is refused before and after the reason."""
    number = deployed(office, "a", "b", "c")
    page = office.browser("admin", "zh-CN").get(f"/procedures/term/versions/{number}/suspend").text
    assert f"暂停第 {number} 版" in page and "事项停止流转" in page
    other = office.browser("wangfang")
    for act in ("activate", "suspend", "resume"):
        assert other.get(f"/procedures/term/versions/{number}/{act}").status_code == 403
        assert office.post(other, f"/procedures/term/versions/{number}/{act}", {"reason": "x"}).status_code == 403
