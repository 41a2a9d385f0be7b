"""`partwell people`: the directory from files and to files."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from chat_services import SECRET, listening

from engine.people.lines import FAULTS
from engine.people.sheets import FORMULA, NO_KIND
from webapp import headings, i18n
from webapp.commands import main


def run(capsys: pytest.CaptureFixture[str], home: Path, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["--home", str(home), "people", *map(str, arguments)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_a_directory_goes_in_and_out_through_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run first, then for good; what is exported with Chinese headings is no difference; faults are told in Chinese."""
    units, people = tmp_path / "departments.csv", tmp_path / "persons.csv"
    units.write_text("key,name\nplant,总厂\n", "utf-8")
    people.write_text("工号,姓名,主部门\nP1,丁山,plant\n", "gb18030")
    code, out, _ = run(capsys, tmp_path, "import", units, people, "--dry-run", "--lang", "en")
    assert (code, out.splitlines()[-1]) == (0, "2 differences, nothing was changed (dry run)")
    code, out, _ = run(capsys, tmp_path, "import", units, people, "--lang", "zh-CN", "--note", "初始")
    assert (code, out.splitlines()[-1]) == (0, "共 2 处差异") and "新增  人员  丁山" in out
    for target in ("all.xlsx", "folder"):
        assert run(capsys, tmp_path, "export", tmp_path / target, "--lang", "zh-CN")[0] == 0
    assert "工号" in (tmp_path / "folder" / "persons.csv").read_text("utf-8-sig")
    for files in ([tmp_path / "all.xlsx"], sorted((tmp_path / "folder").iterdir())):
        code, out, _ = run(capsys, tmp_path, "import", *files, "--json")
        assert (code, json.loads(out)["differences"], json.loads(out)["faults"]) == (0, [], [])
    people.write_text("employee_no,department\nP1,x\n", "utf-8")
    code, _, err = run(capsys, tmp_path, "import", people, "--lang", "zh-CN")
    assert code == 1 and "persons.csv、第 2 行、主部门：找不到“x”" in err and "共 1 处错误，未作任何更改" in err


def test_every_fault_is_there_in_chinese() -> None:
    """With the same facts."""
    chinese = i18n.catalogue("zh-CN")
    for template in (*FAULTS, FORMULA, NO_KIND):
        translated = chinese.gettext(template)
        assert translated != template
        assert sorted(part.split("}")[0] for part in translated.split("{")[1:]) == sorted(
            part.split("}")[0] for part in template.split("{")[1:]
        ), template


def test_no_two_columns_are_called_the_same() -> None:
    """A heading in any language leads back to one column or kind."""
    for locale in i18n.LOCALES:
        for names, back in ((headings.COLUMNS, headings.columns()), (headings.KINDS, headings.kinds())):
            called = headings.called(names, locale)
            assert {name: back[text] for name, text in called.items()} == {name: name for name in names}


def test_foreign_ids_come_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All lines or none, the faulty one named; a file of another kind is refused."""
    people, ids = tmp_path / "persons.csv", tmp_path / "ids.csv"
    people.write_text("employee_no,name\nP1,丁山\n", "utf-8")
    assert run(capsys, tmp_path, "import", people)[0] == 0
    ids.write_text("person,system,id\nP1,dingtalk,manager4220\nP9,dingtalk,x\n", "utf-8")
    code, _, err = run(capsys, tmp_path, "ids", ids, "--lang", "zh-CN")
    assert code == 1 and "第 3 行“person”：没有此工号或账号的人员：P9。未保存任何内容。" in err
    ids.write_text("person,system,id\nP1,dingtalk,manager4220\n", "utf-8-sig")
    assert run(capsys, tmp_path, "ids", ids, "--lang", "zh-CN")[:2] == (0, "已更改 1 个标识\n")
    for content, code in ((b"a,b\n1,2\n", 1), ("工号".encode("gb18030"), 2)):
        ids.write_bytes(content)
        assert run(capsys, tmp_path, "ids", ids)[0] == code


def test_missing_ids_are_looked_up_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """First only listed, then kept; who was not found is told, and exported is what an import takes."""
    people = tmp_path / "persons.csv"
    people.write_text("employee_no,name,mobile\nP1,丁山,139-0000-0001\nP2,于海,13900000002\n", "utf-8")
    with listening(time.time) as there:
        there.mobiles = {"13900000001": "ou_1"}
        app = f'[connectors.feishu]\ntype = "feishu"\napp_id = "k"\napp_secret = "{SECRET}"\nbase_url = "{there.address}"\n'
        (tmp_path / "partwell.toml").write_text(app, "utf-8")
        assert run(capsys, tmp_path, "import", people)[0] == 0
        for more in (["--dry-run"], ["--note", "补全"]):
            code, out, err = run(capsys, tmp_path, "look-up", "feishu", *more, "--lang", "zh-CN")
            assert code == 1 and "P1  丁山  ou_1" in out and "P2  于海：该平台没有此手机号或邮箱的用户" in err
    run(capsys, tmp_path, "export", tmp_path / "out", "--lang", "zh-CN")
    written = (tmp_path / "out" / "persons.csv").read_text("utf-8-sig").splitlines()
    assert written[0].endswith("飞书用户 ID") and [line.rpartition(",")[2] for line in written[1:]] == ["ou_1", ""]
    assert run(capsys, tmp_path, "import", tmp_path / "out" / "persons.csv", "--dry-run", "--lang", "zh-CN")[1].startswith("共 0 处差异")
    assert run(capsys, tmp_path, "look-up", "nowhere")[0] == 2


def test_handover_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """离职转办 (handover): first a list, then each thing; nobody known is refused."""
    people, units = tmp_path / "persons.csv", tmp_path / "departments.csv"
    people.write_text("employee_no,name\nP1,丁山\nP2,于海\n", "utf-8")
    units.write_text("key,name,head\nplant,总厂,P1\n", "utf-8")
    assert run(capsys, tmp_path, "import", people, units)[0] == 0
    code, out, _ = run(capsys, tmp_path, "hand-over", "P1", "--lang", "zh-CN")
    assert code == 0 and "总厂" in out
    assert run(capsys, tmp_path, "hand-over", "P1", "--to", "P2", "--note", "离职")[0] == 0
    code, out, _ = run(capsys, tmp_path, "hand-over", "P2", "--json")
    assert code == 0 and [(one["kind"], one["ref"]) for one in json.loads(out)] == [("headship", "plant")]
    assert run(capsys, tmp_path, "hand-over", "P1", "--json")[1].strip() == "[]"
    assert run(capsys, tmp_path, "hand-over", "P9")[0] != 0
