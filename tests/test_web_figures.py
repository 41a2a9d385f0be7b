"""The tabs 在办事项 and 统计 of a procedure, and what is done and handed out there."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from lxml import etree
from web_office import FILES, RULES, Office, token

from engine import deploying, work
from engine.models import WorkItem, new_id
from webapp import events, i18n, text


@pytest.fixture(scope="module")
def cases(office: Office) -> dict[str, str]:
    """One case that was closed, one that waits for the conversation, one whose call failed."""
    closed = office.case()
    _close(office, closed)
    with office.services.database.unit() as unit:  # as if the conversation had waited five hours
        talk = sa.and_(WorkItem.case_id == closed, WorkItem.element == "talk")
        opened = unit.connection.execute(sa.select(WorkItem.opened_at).where(talk)).scalar_one()
        unit.connection.execute(sa.update(WorkItem).where(talk).values(opened_at=opened - dt.timedelta(hours=5)))
        unit.commit()
    talking = office.case()
    office.usage.refuses = True
    broken = office.case()
    office.usage.refuses = False
    return {"closed": closed, "talking": talking, "broken": broken}


def _close(office: Office, case: str) -> None:
    item = office.approved(case)
    client, headers = office.program("linxiaobei")
    given = client.post(f"/api/v1/items/{item}/complete", json={"values": {"statement": "已知晓"}}, headers=headers)
    assert given.status_code == 204, given.text


def test_the_diagram_shows_how_many_cases_stand_where(office: Office, cases: dict[str, str]) -> None:
    """Each element with cases is a link to them; what has an incident is marked."""
    manager = office.browser("sunzhiyuan", "en")
    page = manager.get("/operations/office").text
    assert "Talk: 1 case" in page and "Get app usage: 1 case, 1 incident" in page
    address = re.search(r'<a href="([^"]+element=talk[^"]*)"', page)
    assert address
    at = manager.get(address[1].replace("&amp;", "&").partition("#")[0]).text
    assert cases["talking"] in at and cases["broken"] not in at and "Show what would happen" in at
    assert "No running case stands here" in manager.get("/operations/office?element=consent").text
    assert "1 incident" in manager.get("/operations/office?show=incidents").text


def test_readers_look_and_do_nothing(office: Office, cases: dict[str, str]) -> None:
    """HR reads the cases and does not manage them; supervisors see neither page."""
    reader = office.browser("wangfang")
    page = reader.get("/operations/office?element=talk").text
    assert cases["talking"] in page and "预览结果" not in page
    sent = {"act": "suspend", "case": cases["talking"], "reason": "x"}
    for act in ("consider", "carry-out"):
        assert office.post(reader, f"/operations/office/{act}", sent).status_code == 403
    other = office.browser("chenli")
    for address in ("/operations/office", "/analytics/office", "/analytics/office/log.xes"):
        assert other.get(address).status_code == 403
    assert (
        "/operations" not in other.get("/procedures/office").text and 'href="/operations/office"' in reader.get("/procedures/office").text
    )
    assert reader.get("/operations/nothing").status_code == 404
    assert reader.get("/operations/office?version=99").status_code == 404


def test_heat_map_and_figures_of_finished_cases(office: Office, cases: dict[str, str]) -> None:
    """Medians stand on the diagram; the page of figures has charts, tables, outcomes and departments."""
    reader = office.browser("wangfang", "en")
    page = reader.get("/operations/office?show=duration&time=wall").text
    assert re.search(r"Talk: median [45]\.\d h, 1 times", page) and "Approval: median under 1 min, 1 times" in page
    page = reader.get("/analytics/office?time=wall").text
    assert "Dismissed" in page and page.count('class="chart"') == 3 and "Customer Service" in page
    assert "None was recorded" in page and "With names" not in page
    wrong = reader.get("/analytics/office?from=2026-13-01").text
    assert "Give two days in order" in wrong
    assert "No case closed in this time" in reader.get("/analytics/office?from=2001-01-01&to=2001-02-01").text


def test_cases_are_found_by_what_they_know(office: Office, cases: dict[str, str]) -> None:
    """By a variable and its value; how many were looked at is said."""
    manager = office.browser("sunzhiyuan", "en")
    page = manager.get("/operations/office?variable=kind&value=phone").text
    assert cases["talking"] in page and "2 cases found;" in page and "2 of 2 running cases were looked at" in page
    assert "0 cases found;" in manager.get("/operations/office?variable=kind&value=learning").text


def test_several_cases_are_paused_after_a_look_ahead(office: Office, cases: dict[str, str]) -> None:
    """What would happen is told first and nothing is done without a reason; then each result stands there."""
    manager = office.browser("admin", "en")
    address = "/operations/office"
    wish = {"act": "suspend", "case": [cases["talking"], cases["broken"]]}
    assert "Choose what shall be done" in office.post(manager, f"{address}/consider", {"case": cases["talking"]}).text
    assert "Choose 1 to 200 cases" in office.post(manager, f"{address}/consider", {"act": "suspend"}).text
    ahead = office.post(manager, f"{address}/consider", wish).text
    assert "This would happen in 2 of 2 cases" in ahead and "Do it in 2 cases" in ahead
    missing = office.post(manager, f"{address}/carry-out", {**wish, "reason": " "})
    assert missing.status_code == 422 and "This is required." in missing.text
    done = office.post(manager, f"{address}/carry-out", {**wish, "reason": "核查", "request_id": new_id()}).text
    assert "Done in 2 of 2 cases." in done
    ahead = office.post(manager, f"{address}/consider", wish).text
    assert "in 0 of 2 cases" in ahead and "Cannot be done:" in ahead and "Do it in" not in ahead
    resumed = {**wish, "act": "resume", "reason": "已核查", "request_id": new_id()}
    assert "Done in 2 of 2 cases." in office.post(manager, f"{address}/carry-out", resumed).text


def test_all_at_a_step_are_repaired_together(office: Office, cases: dict[str, str]) -> None:
    """Without ticking each of them; values that are no values are refused by field."""
    manager = office.browser("admin", "en")
    wish = {"all": "1", "element": "usage", "act": "answer", "values": "hours"}
    refused = office.post(manager, "/operations/office/consider", wish)
    assert refused.status_code == 422 and "Each line must be: name = value." in refused.text
    wish["values"] = "hours = 2.5\nnote = 电话确认"
    ahead = office.post(manager, "/operations/office/consider", wish).text
    assert "This would happen in 1 of 1 cases" in ahead and "1 incident" in ahead
    done = {**wish, "reason": "系统停用", "request_id": new_id()}
    assert "Done in 1 of 1 cases." in office.post(manager, "/operations/office/carry-out", done).text
    assert office.open_item(cases["broken"])
    back = {"act": "return", "target": "talk", "case": cases["broken"]}
    assert "Not done any more" in office.post(manager, "/operations/office/consider", back).text


def test_tables_open_in_excel_and_hold_no_names(office: Office, cases: dict[str, str]) -> None:
    """UTF-8 with its mark; names only for an administrator who asks by a form, and recorded in the case."""
    reader = office.browser("wangfang", "zh-CN")
    steps = reader.get("/analytics/office/steps.csv")
    assert steps.data.startswith("\ufeff环节,".encode()) and "attachment" in steps.headers["Content-Disposition"]
    [head, line] = list(csv.reader(io.StringIO(reader.get("/analytics/office/cases.csv").data.decode("utf-8-sig"))))
    assert head[7] == "员工代号" and "解除劳动合同" in line[4] and "林小北" not in ",".join(line)
    assert office.post(reader, "/analytics/office/cases.csv", {"names": "1"}).status_code == 403
    admin = office.browser("admin", "zh-CN")
    assert "林小北" not in admin.get("/analytics/office/cases.csv").text
    assert "林小北" in office.post(admin, "/analytics/office/cases.csv", {"names": "1"}).text
    assert "已随统计数据实名导出" in admin.get(f"/cases/{cases['closed']}?all=1").text


def test_the_event_log_is_well_built(office: Office, cases: dict[str, str]) -> None:
    """It fits the schema that is written down for these tests."""
    log = office.browser("wangfang").get("/analytics/office/log.xes")
    schema = etree.XMLSchema(etree.parse(Path(__file__).parent / "data/xes.xsd"))
    schema.assertValid(etree.fromstring(log.data))
    assert b"<trace>" in log.data


def test_what_came_after_is_recorded_on_the_case_and_counted(office: Office, cases: dict[str, str]) -> None:
    """A manager says what was filed and how it ended; half of it is refused by field."""
    manager = office.browser("sunzhiyuan", "en")
    address = f"/cases/{cases['closed']}/aftermath"
    assert address in manager.get(f"/cases/{cases['closed']}").text
    assert office.post(manager, address, {"kind": "arbitration", "began_on": "soon", "note": "x"}).status_code == 422
    late = office.post(manager, address, {"kind": "arbitration", "began_on": "2199-01-01", "note": "x"})
    assert late.status_code == 422 and "This day is still to come." in late.text
    given = {"kind": "arbitration", "began_on": "2026-11-01", "note": "市仲裁委", "request_id": new_id()}
    page = office.post(manager, address, given, follow_redirects=True).text
    assert "Labour arbitration" in page and "Still going on" in page
    [dispute] = set(re.findall(rf"{address}/([0-9a-f]+)", page))
    assert office.post(manager, f"{address}/{dispute}", {"result": "won", "ended_on": "2026-11-20", "note": "x"}).status_code == 422
    ended = {"result": "upheld", "ended_on": "2026-11-20", "note": "裁决书", "request_id": new_id()}
    assert "Decision upheld" in office.post(manager, f"{address}/{dispute}", ended, follow_redirects=True).text
    assert "1 of 1, as recorded on the cases" in manager.get("/analytics/office").text
    assert office.browser("wangfang").get(address).status_code == 403


def test_a_procedure_that_lists_nothing_after_its_cases_has_no_page_for_it(own_office: Office) -> None:
    """Neither the case nor the figures speak of it, and the list of cases is short of its column."""
    rules = {name: rule for name, rule in RULES.items() if name != "aftermath"}
    deploying.deploy(own_office.services, {**FILES, "rules.json": json.dumps(rules).encode()}, procedure="office")
    manager, case = own_office.browser("sunzhiyuan", "zh-CN"), own_office.case()
    assert manager.get(f"/cases/{case}/aftermath").status_code == 404 and "aftermath" not in manager.get(f"/cases/{case}").text
    assert "劳动争议" not in manager.get("/analytics/office").text
    assert "劳动争议" not in manager.get("/analytics/office/cases.csv").data.decode("utf-8-sig")


def test_what_was_recorded_before_it_was_listed_is_shown_and_can_be_ended(own_office: Office) -> None:
    """By its stored word, in words of one's own, with what to add to the rules; the figures and the list of cases tell of it, too."""
    manager = own_office.browser("sunzhiyuan", "zh-CN")
    case = own_office.case()
    _close(own_office, case)
    address = f"/cases/{case}/aftermath"
    given = {"kind": "arbitration", "began_on": "2026-11-01", "note": "市仲裁委", "request_id": new_id()}
    assert "劳动仲裁" in own_office.post(manager, address, given, follow_redirects=True).text
    rules = {name: rule for name, rule in RULES.items() if name != "aftermath"}
    deploying.deploy(own_office.services, {**FILES, "rules.json": json.dumps(rules).encode()}, procedure="office")
    assert re.search(rf'href="{address}">.*后续情况', manager.get(f"/cases/{case}").text)
    page = manager.get(address).text
    assert "arbitration" in page and "请在其中 aftermath 一项列出类型和处理结果" in page
    [sequel] = set(re.findall(rf"{address}/([0-9a-f]+)", page))
    ended = {"result": " ", "ended_on": "2026-11-20", "note": "裁决书", "request_id": new_id()}
    refused = own_office.post(manager, f"{address}/{sequel}", ended)
    assert refused.status_code == 422 and "请用 1 至 40 个字写明处理结果。" in refused.text
    ended |= {"result": "公司胜诉"}
    assert "公司胜诉" in own_office.post(manager, f"{address}/{sequel}", ended, follow_redirects=True).text
    figures = manager.get("/analytics/office").text
    assert all(word in figures for word in ("后续情况", "arbitration", "公司胜诉", "没有列出：arbitration、公司胜诉"))
    [head, line] = list(csv.reader(io.StringIO(manager.get("/analytics/office/cases.csv").data.decode("utf-8-sig"))))
    assert dict(zip(head, line, strict=True))["后续情况"] == "arbitration"


def test_what_the_ledger_called_a_dispute_stays_readable() -> None:
    """Entries keep the names that earlier releases wrote, so these are told in words, with their looks, among what is shown first."""
    for name, said in (("case:disputed", "登记劳动争议"), ("case:dispute:ended", "登记争议结果")):
        assert i18n.catalogue("zh-CN").gettext(events.name(name)) == said
        assert name in text.EVENT_LOOKS and text.main_events([SimpleNamespace(event=name, element=None)])


def test_a_case_that_was_opened_is_in_hand_from_then_on(office: Office) -> None:
    """Waiting ends when the holder opens the page of the work."""
    case = office.case()
    item = office.open_item(case)
    hr = office.browser("wangfang")
    work.claim(office.services, item, actor=office.people["wangfang"], request_id=new_id())
    assert token(hr, f"/items/{item}")
    assert not work.read(office.services, item, reader=office.people["wangfang"])
