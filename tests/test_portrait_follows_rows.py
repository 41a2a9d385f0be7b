"""One raw number of the EHR changes the portrait, its sentences and its charts: nothing in between is made up or kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installation import Installation, installed
from sample_company import WINDOW, SampleCompany, running

from processes.rules import charts


@pytest.fixture
def company(tmp_path: Path) -> Iterator[SampleCompany]:
    with running(tmp_path / "company") as opened:
        yield opened


@pytest.fixture
def partwell(tmp_path: Path, company: SampleCompany) -> Iterator[Installation]:
    with installed(tmp_path / "home", company) as opened:
        yield opened


def portrait_of_a_new_case(partwell: Installation) -> dict[str, Any]:
    case = partwell.start_case()
    partwell.run_jobs()
    found = partwell.case(case).variables["portrait"]
    assert isinstance(found, dict)
    return found


def figure(portrait: dict[str, Any], key: str) -> dict[str, Any]:
    [found] = [metric for metric in portrait["metrics"] if metric["key"] == key]
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def test_minutes_of_one_day(partwell: Installation, company: SampleCompany) -> None:
    """140 minutes more on one of ten days are 14 minutes more a day, in the figure, in both languages and in one chart."""
    before = portrait_of_a_new_case(partwell)
    assert figure(before, "app_usage.social")["value"] == 150
    assert any("2.5 小时（150 分钟）" in sentence for sentence in before["sentences"])

    rows = company.get("/ehr/app-usage", employee="KF-017", **WINDOW).json()["rows"]
    row = next(row for row in rows if row["app_type"] == "social")
    company.admin("rows", {"table": "app_usage", "row_id": row["row_id"], "field": "duration_min", "value": row["duration_min"] + 140})

    after = portrait_of_a_new_case(partwell)
    assert figure(after, "app_usage.social")["value"] == 164
    assert any("2.7 小时（164 分钟）" in sentence for sentence in after["sentences"])
    assert any("164 minutes" in sentence or "164 min" in sentence for sentence in after["sentences_en"])
    assert len(set(before["sentences"]) - set(after["sentences"])) == 1, "the other sentences stay"
    assert figure(after, "orders") == figure(before, "orders")
    assert changed(charts.of_portrait(before), charts.of_portrait(after)) == {"app_usage_social"}


def test_the_score_of_one_exam(partwell: Installation, company: SampleCompany) -> None:
    """An exam that was passed after all is no failed one any more."""
    before = portrait_of_a_new_case(partwell)
    assert [exam["passed"] for exam in before["exams"]] == [False] * 3
    rows = company.get("/ehr/training", employee="KF-017", **WINDOW).json()["rows"]
    company.admin("rows", {"table": "training", "row_id": rows[0]["row_id"], "field": "score", "value": 75})

    after = portrait_of_a_new_case(partwell)
    assert [exam["score"] for exam in after["exams"]] == [75, 52, 55]
    assert [exam["passed"] for exam in after["exams"]] == [True, False, False]
    assert any("75、52、55" in sentence for sentence in after["sentences"])
    assert changed(charts.of_portrait(before), charts.of_portrait(after)) == {"exam_score"}


def test_the_number_of_a_colleague_moves_the_baseline(partwell: Installation, company: SampleCompany) -> None:
    """Baselines are computed from the team's rows: a colleague's day changes what the subject is compared with."""
    before = portrait_of_a_new_case(partwell)
    rows = company.get("/ehr/performance", employee="KF-004", **WINDOW).json()["rows"]
    row = next(row for row in rows if row["kpi_code"] == "orders")
    company.admin("rows", {"table": "performance", "row_id": row["row_id"], "field": "kpi_value", "value": row["kpi_value"] + 70})

    after = portrait_of_a_new_case(partwell)
    own, other = figure(before, "orders"), figure(after, "orders")
    assert own["value"] == other["value"] == 10
    assert other["baseline"]["mean"] == pytest.approx(own["baseline"]["mean"] + 1)
