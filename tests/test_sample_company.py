"""The sample company: exact numbers of the article, counted effects, planned faults."""

from __future__ import annotations

import datetime as dt
import smtplib
from email.message import EmailMessage
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
import requests
from sample_company import WINDOW, SampleCompany, running

from webapp.demo.company.rows import DAYS, rows_of, working_days_before
from webapp.demo.roster import DEPARTMENTS, EMPLOYEES, ROLES, TEAMS

SUBJECT, TEAM = "KF-017", "customer-service-1"


pytestmark = pytest.mark.usefixtures("no_faults_left")


def served(company: SampleCompany, kind: str, **asked: str) -> list[dict[str, Any]]:
    """All pages of one question."""
    rows: list[dict[str, Any]] = []
    pages = page = 1
    while page <= pages:
        answer = company.get(f"/ehr/{kind}", **{**WINDOW, **asked, "page": str(page)}).json()
        rows, pages, page = rows + answer["rows"], answer["pages"], page + 1
    assert len(rows) == answer["total"]
    return rows


def test_roster_is_consistent() -> None:
    """Every manager, head, lead, department, team and login of the roster exists, and ids and logins are unique."""
    assert 38 <= len(EMPLOYEES) <= 45
    logins = [e.login for e in EMPLOYEES.values() if e.login]
    assert len(set(logins)) == len(logins) and set(ROLES) <= {*logins, "admin"}
    for e in EMPLOYEES.values():
        assert e.department in DEPARTMENTS and (not e.team or TEAMS[e.team].department == e.department)
        assert not e.manager or e.manager in EMPLOYEES
    for unit in DEPARTMENTS.values():
        assert unit.head in EMPLOYEES and (not unit.parent or unit.parent in DEPARTMENTS)
    assert all(team.lead in EMPLOYEES for team in TEAMS.values())
    assert EMPLOYEES[SUBJECT].manager == TEAMS[EMPLOYEES[SUBJECT].team].lead == "KF-002"


@pytest.mark.parametrize("today", [dt.date(2026, 11, 20) + dt.timedelta(days=n) for n in range(7)], ids=str)
@pytest.mark.parametrize(("first", "last"), [(14, 1), (13, 0), (28, 1)])
def test_averages_are_exact_on_every_weekday(today: dt.date, first: int, last: int) -> None:
    """On whatever day the company is made, the usual windows give the article's averages to the last digit."""
    days = [today - dt.timedelta(days=n) for n in range(first, max(last, 1) - 1, -1)]
    rows = [row | {"table": table} for day in days for table, row in rows_of(day, today)]

    def values(field: str, subject: bool, **wanted: str) -> list[float]:
        return [
            row[field]
            for row in rows
            if row["team_code"] == TEAM and (row["emp_no"] == SUBJECT) == subject and wanted.items() <= row.items()
        ]

    assert mean(values("duration_min", True, app_type="social")) == 150
    assert mean(values("duration_min", False, app_type="social")) == 30
    assert mean(values("kpi_value", True, kpi_code="orders")) == 10
    assert mean(values("kpi_value", False, kpi_code="orders")) == 20
    weeks = 4 if first == 28 else 2
    assert sum(values("kpi_value", True, kpi_code="complaints")) == 3 * weeks
    assert sum(values("kpi_value", False, kpi_code="complaints")) == 0.5 * weeks * 7
    assert mean(values("kpi_value", True, kpi_code="completion_rate")) < 60 < mean(values("kpi_value", False, kpi_code="completion_rate"))
    assert values("score", True, table="training") == [58, 52, 55]
    assert min(values("score", False, table="training")) >= 75
    assert len(set(values("duration_min", True, app_type="social"))) > 5, "the days must differ"


def test_working_days_are_counted_backwards() -> None:
    """The Friday before a Monday is one working day away, the Monday itself none, the Tuesday after it minus one."""
    monday = dt.date(2026, 11, 23)
    assert [working_days_before(monday + dt.timedelta(days=n), monday) for n in (-7, -4, -3, 0, 1)] == [5, 2, 1, 0, -1]


def test_rows_come_in_pages_and_only_on_working_days(company: SampleCompany) -> None:
    """A team's rows fill more than one page, none is on a weekend, and baselines are nowhere among them."""
    rows = served(company, "app-usage", team=TEAM)
    assert len(rows) == 10 * 8 * 2 > len(company.get("/ehr/app-usage", team=TEAM, **WINDOW).json()["rows"])
    assert {row["emp_no"] for row in rows} >= {SUBJECT, "KF-004"}
    assert all(dt.date.fromisoformat(row["stat_date"]).weekday() < 5 for row in rows)
    assert set(rows[0]) == {"row_id", "emp_no", "team_code", "stat_date", "app_type", "duration_min", "open_times"}


def test_nothing_is_recorded_before_hiring(company: SampleCompany) -> None:
    """The subject has rows from the day of hiring on, the others for the whole 60 days."""
    long = {"from": "2026-01-01", "to": "2026-12-31"}
    first = {who: min(row["stat_date"] for row in served(company, "performance", employee=who, **long)) for who in (SUBJECT, "KF-004")}
    hired = company.get(f"/ehr/employees/{SUBJECT}").json()["hired_on"]
    assert first[SUBJECT] >= hired > first["KF-004"] >= str(dt.date(2026, 11, 24) - dt.timedelta(days=DAYS))


def test_ehr_asks_for_the_token(company: SampleCompany) -> None:
    """Without the right token there is nothing to read."""
    for path in ("/ehr/employees", f"/ehr/employees/{SUBJECT}", "/ehr/training"):
        assert company.get(path, token="wrong").status_code == 401
    assert len(company.get("/ehr/employees").json()["employees"]) == len(EMPLOYEES)


def test_the_subject_is_in_lawful_probation(company: SampleCompany) -> None:
    """The article's case: three years' contract, three months of probation not yet over, conditions told at hiring."""
    record = company.get(f"/ehr/employees/{SUBJECT}").json()
    start, end = (dt.date.fromisoformat(record["contract"][name]) for name in ("start", "end"))
    assert end == dt.date(start.year + 3, start.month, start.day) - dt.timedelta(days=1)
    assert record["probation"]["agreed_months"] == 3 and (dt.date(2026, 11, 24) - start).days == 45
    assert record["hiring_conditions"]["told_on"] == record["hired_on"] and len(record["hiring_conditions"]["items"]) == 4
    assert not any(record["protected"].values())


def test_a_repeated_key_has_one_effect(company: SampleCompany) -> None:
    """The same key gets the same answer, and attempts are counted apart from effects."""
    path, body = "/payroll/social-insurance/stop", {"employee": SUBJECT, "effective_month": "2026-12"}
    first, second = company.push(path, "k-same", body), company.push(path, "k-same", body)
    assert first.json() == second.json() and first.json()["reference"].startswith("SI-")
    [push] = company.pushed("k-same")
    assert (push["attempts"], push["effects"], push["system"], push["body"]) == (2, 1, "payroll", body)
    assert company.push(path, "k-same", {"employee": "KF-004"}).status_code == 409
    assert company.get(path, reference=first.json()["reference"]).json() == first.json()
    assert company.get(path, reference="k-unknown").status_code == 404


def test_pushes_are_checked(company: SampleCompany) -> None:
    """A push without key is not taken, and one about somebody unknown has no effect."""
    assert company.push("/payroll/settlements", "", {"employee": SUBJECT}).status_code == 400
    assert company.push("/payroll/settlements", "k-nobody", {"employee": "XX-999"}).status_code == 422
    assert [push["effects"] for push in company.pushed("k-nobody")] == [0]


def test_planned_faults_are_used_up_one_by_one(company: SampleCompany) -> None:
    """A push that fails before, then after its effect, is answered at the third attempt and took effect once."""
    company.plan("oa.deactivate_account", "500", "after_effect")
    statuses = [company.push("/oa/accounts/deactivate", "k-faults", {"employee": SUBJECT}).status_code for _ in range(3)]
    assert statuses == [500, 500, 200]
    assert [(p["attempts"], p["effects"]) for p in company.pushed("k-faults")] == [(3, 1)]


def test_a_plan_for_all_counts_for_each(company: SampleCompany) -> None:
    """ "*" fails the first call of each operation, not the first call of all."""
    company.plan("*", "503")
    assert company.get(f"/ehr/employees/{SUBJECT}").status_code == 503
    assert company.get("/ehr/training", team=TEAM, **WINDOW).status_code == 503
    assert company.get(f"/ehr/employees/{SUBJECT}").status_code == 200
    assert company.admin("faults")["mail.send"] == ["503"]


@pytest.mark.parametrize("plan", [{"operation": "ehr.nothing", "plan": ["500"]}, {"operation": "*", "plan": ["explode"]}, {"plan": "500"}])
def test_a_wrong_plan_is_refused(company: SampleCompany, plan: dict[str, Any]) -> None:
    """A misspelt operation or fault is an error, not a silent nothing."""
    assert requests.post(f"{company.http}/admin/faults", json=plan, timeout=10).status_code == 400


def test_one_raw_number_can_be_changed(company: SampleCompany) -> None:
    """An administrator changes one field of one row, nested ones too; what does not exist is refused."""
    row = served(company, "app-usage", employee="KF-004")[0]
    change = {"table": "app_usage", "row_id": row["row_id"], "field": "duration_min", "value": 333}
    company.admin("rows", change)
    assert served(company, "app-usage", employee="KF-004")[0] == row | {"duration_min": 333}
    company.admin("rows", change | {"value": row["duration_min"]})
    company.admin("rows", {"table": "employees", "row_id": "KF-005", "field": "protected.pregnant", "value": True})
    assert company.get("/ehr/employees/KF-005").json()["protected"]["pregnant"] is True
    for wrong in ({"row_id": "none"}, {"field": "none"}, {"table": "none"}):
        assert requests.post(f"{company.http}/admin/rows", json=change | wrong, timeout=10).status_code in (400, 404)


def test_reads_are_counted(company: SampleCompany) -> None:
    """Every answer of a read operation is counted by its status."""

    def count() -> int:
        return next((c["answered"].get("200", 0) for c in company.admin("calls") if c["operation"] == "ehr.training"), 0)

    before = count()
    company.get("/ehr/training", team=TEAM, **WINDOW)
    assert count() == before + 1


def test_mail_is_kept_and_shown(company: SampleCompany) -> None:
    """A mail with a Chinese subject is in the list and on the page, and a planned fault refuses one for now."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@company.example", "b@company.example", "您有一项待办"
    message.set_content("请审批 <b>林小北</b> 的事项。")
    company.plan("mail.send", "500")
    with smtplib.SMTP("127.0.0.1", company.smtp, timeout=10) as server:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            server.send_message(message)
        server.send_message(message)
    assert refused.value.smtp_code == 451
    [mail] = company.admin("mails")
    assert (mail["subject"], mail["recipients"]) == ("您有一项待办", ["b@company.example"]) and "林小北" in mail["body"]
    page = requests.get(company.http, timeout=10).text
    assert "您有一项待办" in page and "&lt;b&gt;林小北" in page


def test_company_remembers_across_a_restart(tmp_path: Path) -> None:
    """Token, pushes and rows are the same after a restart, and the rows of the days that passed are there."""
    with running(tmp_path) as company:
        company.push("/oa/notices", "k-notice", {"text": "林小北离职"})
        before = served(company, "training", team=TEAM)
        token = company.token
    with running(tmp_path, today="2026-11-26") as company:
        assert company.token == token and len(company.pushed("k-notice")) == 1
        assert served(company, "training", team=TEAM) == before
        later = served(company, "performance", employee=SUBJECT, **{"from": "2026-11-24", "to": "2026-11-30"})
        assert {row["stat_date"] for row in later} == {"2026-11-24", "2026-11-25"}
