"""What the EHR connectors make of rows, records and files."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from connector_setups import OK, ROWS, SUBJECT, TEAM, Setup, a_call, answering, build, write_csv
from sample_company import WINDOW, SampleCompany

from connectors.ehr_files import EhrFiles
from connectors.ehr_http import EhrHttp
from engine.errors import NeedsPerson, SettingWrong

pytestmark = pytest.mark.usefixtures("no_faults_left")


@pytest.mark.parametrize("type", ["ehr_http", "ehr_files"])
def test_rows_are_translated_to_our_names(type: str, setups: dict[str, Setup]) -> None:
    """The rows of the subject and of the team come in our field names, with the number of each source row."""
    value = build(type, setups[type].options).call(a_call("ehr.app_usage", ROWS)).value
    assert (value["employee"], value["team"], value["from"], value["to"]) == (SUBJECT, TEAM, WINDOW["from"], WINDOW["to"])
    assert value["missing"] == [] and len(value["rows"]) == 10 * 8 * 2
    mine = [row for row in value["rows"] if row["employee"] == SUBJECT and row["category"] == "social"]
    assert sum(row["value"] for row in mine) == 10 * 150
    assert set(mine[0]) == {"employee", "team", "date", "metric", "category", "value", "unit", "count", "source_id"}
    assert (mine[0]["metric"], mine[0]["unit"]) == ("app_usage", "min")


@pytest.mark.parametrize("operation", ["ehr.app_usage", "ehr.training", "ehr.performance", "ehr.employee"])
def test_files_say_the_same_as_the_interface(operation: str, setups: dict[str, Setup]) -> None:
    """The same data exported as CSV give the same value as over HTTP."""
    by_http, by_files = (build(type, setups[type].options).call(a_call(operation, ROWS)).value for type in ("ehr_http", "ehr_files"))
    assert by_http == by_files and by_http["missing"] == []


def test_record_is_nested_and_complete(setups: dict[str, Setup]) -> None:
    """The employee's record carries contract, probation, conditions, protection and the acknowledged monitoring notice."""
    record = build("ehr_http", setups["ehr_http"].options).call(a_call("ehr.employee", {"employee": SUBJECT})).value
    assert record["contract"] == {"type": "fixed_term", "start": "2026-10-10", "end": "2029-10-09", "consecutive": 1}
    assert record["probation"] == {"agreed_months": 3} and record["hiring_conditions"]["told_on"] == "2026-10-10"
    assert record["protected"]["pregnant"] is False and record["protected"]["medical_period_end"] is None
    assert record["monitoring_notice"]["version"] == "V2.1" and record["name"] == "林小北"


def test_a_partial_answer_is_shown_as_missing(company: SampleCompany, setups: dict[str, Setup]) -> None:
    """Rows that are announced but not sent, a row without its number and a record without protection are named, not invented."""
    ehr = build("ehr_http", setups["ehr_http"].options)
    company.plan("ehr.training", "partial")
    training = ehr.call(a_call("ehr.training", ROWS)).value
    assert len(training["rows"]) == 11 and "rows_incomplete:12:24" in training["missing"]
    assert [m for m in training["missing"] if m.startswith("field_missing:") and m.endswith(":score")]
    company.plan("ehr.employee", "partial")
    record = ehr.call(a_call("ehr.employee", {"employee": SUBJECT})).value
    assert record["protected"]["pregnant"] is None
    assert f"field_missing:{SUBJECT}:protected.pregnant" in record["missing"]


def test_an_ill_typed_number_is_left_out(company: SampleCompany, setups: dict[str, Setup]) -> None:
    """A duration written as text is no number: the row is left out and named."""
    ehr = build("ehr_http", setups["ehr_http"].options)
    row = next(r for r in ehr.call(a_call("ehr.app_usage", ROWS)).value["rows"] if r["employee"] == SUBJECT)
    change = {"table": "app_usage", "row_id": row["source_id"], "field": "duration_min"}
    company.admin("rows", change | {"value": "two hours"})
    try:
        value = ehr.call(a_call("ehr.app_usage", ROWS)).value
        assert value["missing"] == [f"field_ill_typed:{row['source_id']}:duration_min"]
        assert row["source_id"] not in {r["source_id"] for r in value["rows"]}
    finally:
        company.admin("rows", change | {"value": row["value"]})


def test_a_changed_raw_number_arrives(company: SampleCompany, setups: dict[str, Setup]) -> None:
    """Changing one number in the company's rows changes exactly that row of the value."""
    ehr = build("ehr_http", setups["ehr_http"].options)
    before = ehr.call(a_call("ehr.performance", ROWS)).value["rows"]
    change = {"table": "performance", "row_id": before[0]["source_id"], "field": "kpi_value"}
    company.admin("rows", change | {"value": 99})
    try:
        after = ehr.call(a_call("ehr.performance", ROWS)).value["rows"]
        assert after == [before[0] | {"value": 99}, *before[1:]]
    finally:
        company.admin("rows", change | {"value": before[0]["value"]})


def test_nothing_for_the_window_is_said(setups: dict[str, Setup]) -> None:
    """A window without rows is an answer with both absences named."""
    empty = {**ROWS, "from": "2020-01-01", "to": "2020-01-31"}
    value = build("ehr_http", setups["ehr_http"].options).call(a_call("ehr.training", empty)).value
    assert value["rows"] == [] and value["missing"] == [f"no_rows:{SUBJECT}", f"no_team_rows:{TEAM}"]


def test_without_a_team_only_the_employee_is_asked(setups: dict[str, Setup]) -> None:
    """No team in the input: the request names the employee, and nobody else's rows are taken."""
    alone = {"employee": SUBJECT, **WINDOW}
    answer = build("ehr_http", setups["ehr_http"].options).call(a_call("ehr.training", alone))
    assert {row["employee"] for row in answer.value["rows"]} == {SUBJECT} and answer.value["team"] is None
    assert f"employee={SUBJECT}" in answer.exchanges[0].request["url"]


def test_repeated_and_foreign_days_are_left_out(setups: dict[str, Setup]) -> None:
    """A row sent twice counts once, and a row outside the window does not count."""
    row = {"row_id": "r1", "emp_no": SUBJECT, "stat_date": "2026-11-12", "kpi_code": "orders", "kpi_value": 9, "kpi_unit": "orders"}
    body = json.dumps({"rows": [row, row, row | {"row_id": "r2", "stat_date": "2026-10-01"}], "pages": 1, "total": 3}).encode()
    with answering(OK + b"\r\n" + body) as address:
        ehr = build("ehr_http", {"base_url": address, "token": "t"})
        value = ehr.call(a_call("ehr.performance", {"employee": SUBJECT, **WINDOW})).value
    assert [r["source_id"] for r in value["rows"]] == ["r1"]
    assert value["missing"] == ["row_repeated:r1", "row_outside_window:r2"]


def test_names_are_mapped_by_configuration() -> None:
    """Another company's paths, parameters and field names are a matter of options."""
    body = {"data": [{"no": 5, "who": SUBJECT, "day": "2026-11-12", "kind": "social", "minutes": 12.5}], "pages": 1, "count": 1}
    names = {"source_id": "no", "employee": "who", "team": "", "date": "day", "category": "kind", "value": "minutes", "count": ""}
    with answering(OK + b"\r\n" + json.dumps(body).encode()) as address:
        options = {
            "base_url": address,
            "token": "t",
            "paths": {"ehr.app_usage": "/v2/usage"},
            "parameters": {"employee": "id"},
            "answer": {"rows": "data", "total": "count"},
            "fields": {"ehr.app_usage": names},
        }
        answer = build("ehr_http", options).call(a_call("ehr.app_usage", {"employee": SUBJECT, **WINDOW}))
    [row] = answer.value["rows"]
    assert (row["source_id"], row["value"]) == ("5", 12.5)
    assert f"/v2/usage?id={SUBJECT}&from=2026-11-10" in answer.exchanges[0].request["url"]


@pytest.mark.parametrize(
    ("option", "setting"),
    [
        ({"fields": {"ehr.salary": {}}}, "fields.ehr.salary"),
        ({"fields": {"ehr.training": {"mark": "x"}}}, "fields.ehr.training.mark"),
        ({"fields": {"ehr.training": {"value": ""}}}, "fields.ehr.training.value"),
        ({"paths": {"ehr.salary": "/x"}}, "paths.ehr.salary"),
        ({"base_url": "ehr.company.example"}, "base_url"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_wrong_mappings_name_the_setting(option: dict[str, Any], setting: str) -> None:
    """A mapping for something that does not exist, or that takes away what is needed, is found at the start."""
    with pytest.raises(SettingWrong) as found:
        EhrHttp("ehr", {"base_url": "https://ehr.company.example", "token": "t", **option})
    assert found.value.facts["setting"] == f"connectors.ehr.{setting}"


# --- EHR from files

TRAINING = {
    "row_id": "7",
    "emp_no": SUBJECT,
    "team_code": TEAM,
    "exam_date": "2026/11/2",
    "course_name": "投诉处理技巧",
    "attended": "是",
    "score": "55",
    "pass_score": "60",
    "comment": "学习进度滞后",
}
NOVEMBER = {"employee": SUBJECT, "team": "", "from": "2026-11-01", "to": "2026-11-30"}


def training_from(folder: Path) -> Any:
    return EhrFiles("ehr", {"folder": str(folder)}).call(a_call("ehr.training", NOVEMBER)).value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_in_the_usual_encodings(encoding: str, tmp_path: Path) -> None:
    """Exports in UTF-8, with or without mark, and in GB18030 read the same, spreadsheet dates and 是 included."""
    write_csv(tmp_path / "training.csv", [TRAINING], encoding)
    [row] = training_from(tmp_path)["rows"]
    assert (row["date"], row["course"], row["value"], row["attended"]) == ("2026-11-02", "投诉处理技巧", 55, True)


def test_workbooks_are_read(tmp_path: Path) -> None:
    """An XLSX export gives the same row, with real dates and numbers in its cells."""
    book = openpyxl.Workbook()
    book.active.append(list(TRAINING))
    book.active.append([7.0, SUBJECT, TEAM, dt.datetime(2026, 11, 2), "投诉处理技巧", True, 55, 60, None])
    book.save(tmp_path / "training.xlsx")
    [row] = training_from(tmp_path)["rows"]
    assert (row["source_id"], row["date"], row["value"], row["attended"]) == ("7", "2026-11-02", 55, True)


def test_rows_of_files_are_blamed_by_file_and_line(tmp_path: Path) -> None:
    """An unreadable number is named by file, line and column, and the other lines count."""
    write_csv(tmp_path / "training.csv", [TRAINING, TRAINING | {"row_id": "8", "score": "fifty"}])
    value = training_from(tmp_path)
    assert len(value["rows"]) == 1 and value["missing"] == ["field_ill_typed:training.csv:3:score"]


def cut_column(folder: Path) -> None:
    write_csv(folder / "training.csv", [{k: v for k, v in TRAINING.items() if k != "score"}])


def wide_line(folder: Path) -> None:
    write_csv(folder / "training.csv", [TRAINING])
    with (folder / "training.csv").open("a") as file:
        file.write(",".join(["x"] * 12))


def two_files(folder: Path) -> None:
    for name in ("training.csv", "training.xlsx"):
        (folder / name).write_bytes(b"x")


def bad_bytes(folder: Path) -> None:
    (folder / "training.csv").write_bytes(b"row_id,emp_no\n1,\xff\xff\n")


def broken_book(folder: Path) -> None:
    (folder / "training.xlsx").write_bytes(b"PK\x03\x04 no workbook")


def open_quote(folder: Path) -> None:
    (folder / "training.csv").write_text('row_id,emp_no\n"1,KF-017\n')


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (cut_column, "training.csv, line 1, column score"),
        (wide_line, "training.csv, line 3"),
        (two_files, "training.csv, training.xlsx"),
        (bad_bytes, "training.csv, line 2, byte 3"),
        (broken_book, "training.xlsx"),
        (open_quote, "training.csv, line 2"),
        (lambda folder: None, "training.csv"),
    ],
    ids=["column", "wide", "two", "bytes", "book", "quote", "none"],
)
def test_spoilt_files_need_a_person(spoil: Callable[[Path], None], place: str, tmp_path: Path) -> None:
    """A file that is not what was agreed is a person's affair, and the place of the fault is named."""
    spoil(tmp_path)
    with pytest.raises(NeedsPerson) as found:
        training_from(tmp_path)
    assert place in found.value.facts["reason"]
    assert found.value.facts["reason"] in EhrFiles("ehr", {"folder": str(tmp_path)}).check()


def test_two_records_of_one_employee_are_ambiguous(exports: Path, tmp_path: Path) -> None:
    """Which of two lines is true is not for a program to say."""
    lines = (exports / "employees.csv").read_text().splitlines()
    twice = next(line for line in lines if SUBJECT in line)
    (tmp_path / "employees.csv").write_text("\n".join([*lines, twice]))
    with pytest.raises(NeedsPerson, match=r"employees\.csv, \d+, \d+"):
        EhrFiles("ehr", {"folder": str(tmp_path)}).call(a_call("ehr.employee", {"employee": SUBJECT}))


def test_files_keep_no_more_than_was_asked(setups: dict[str, Setup], exports: Path) -> None:
    """The snapshot of an export holds the lines of the employee asked for, not the whole company."""
    answer = build("ehr_files", setups["ehr_files"].options).call(a_call("ehr.employee", {"employee": SUBJECT}))
    assert "林小北" in answer.exchanges[0].answer and "KF-004" not in answer.exchanges[0].answer
    assert len(answer.exchanges[0].request["sha256"]) == 64
