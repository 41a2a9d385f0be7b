"""What the console says, in both languages."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest
from diagrams import END, START, diagram, flows, user
from test_commands import COMMANDS
from test_commands import run as run

from webapp import i18n
from webapp.commands import console, partwell

_CHINESE = re.compile(r"[\u3400-\u9fff]")


def _helps(command: click.Command) -> Iterator[str]:
    yield from console.paragraphs(command.help)
    yield from (option.help for option in command.params if isinstance(option, click.Option) and option.help)
    for inner in getattr(command, "commands", {}).values():
        yield from _helps(inner)


def test_the_help_of_every_command_is_there_in_chinese() -> None:
    """Docstrings and options are read from the commands themselves, so that a new one is not forgotten."""
    helps = [*_helps(partwell)]
    assert len(helps) > 100
    assert [help for help in helps if not _CHINESE.search(i18n.catalogue("zh-CN").gettext(help))] == []


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_chinese_on_a_chinese_terminal(run: Any, command: str) -> None:
    """No line of the help is left in English, and none is wider than the terminal."""
    _, said, _ = run(*command.split(), "--help", "--lang", "zh-CN")
    assert said.startswith("用法：") and "选项" in said
    for line in said.splitlines()[1:]:
        text = re.sub(r"^ +(-\S+( <?[A-Z|\[\]a-zN-]+>?)?,? ?)+|^  [a-z-]+  ", "", line)
        assert not text.strip() or _CHINESE.search(text) or len(text.split()) < 4, line
        assert console.columns(line) <= 80, line


@pytest.mark.parametrize(
    ("environ", "arguments", "language"),
    [
        ({}, [], "en"),
        ({"LANG": "zh_CN.UTF-8"}, [], "zh-CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, [], "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN"}, [], "zh-CN"),
        ({"LC_ALL": "C", "PARTWELL_LANG": "zh"}, [], "zh-CN"),
        ({"LANG": "zh_CN.UTF-8"}, ["check", "--lang", "en", "x.bpmn"], "en"),
        ({"LANG": "de_DE"}, ["--lang=zh-CN", "check"], "zh-CN"),
        ({"LANG": "", "LC_ALL": "zh_TW"}, ["--lang"], "zh-CN"),
    ],
)
def test_the_terminal_says_which_language(environ: dict[str, str], arguments: list[str], language: str) -> None:
    """The option wins, then our variable, then those of every terminal in their order."""
    assert console.language(arguments, environ) == language


@pytest.mark.parametrize(
    ("arguments", "english", "chinese"),
    [
        (("chek",), "No such command 'chek'. Did you mean 'check'?", "没有命令“chek”。是否想用“check”？"),
        (("bench", "inbox", "--items", "3"), "3 is not in the range x>=10.", "'--items' 的值无效：3 超出范围 x>=10。"),
        (("bench", "inbox", "--db", "oracle"), "'oracle' is not one of 'sqlite', 'postgres'.", "'oracle' 不在可选值之内"),
        (("check",), "Missing argument 'PATHS...'.", "缺少参数“PATHS...”。"),
        (("check", "/nowhere"), "Path '/nowhere' does not exist.", "路径“/nowhere”不存在。"),
        (("diff", "a", "x"), "'x' is not a valid integer.", "'x' 不是整数。"),
        (("versions", "a", "b"), "Got unexpected extra argument (b)", "多余的参数：b"),
        (("suspend", "a"), "Missing option '--note'.", "缺少选项“--note”。"),
        (("migrate", "a", "--map", "b", "--note", "x"), "b must be OLD=NEW", "b 应写成 OLD=NEW"),
        (("calendar", "--from", "soon"), "soon is no date such as 2026-12-01", "soon 不是有效日期"),
        (("calendar", "moon"), "moon", "找不到日历“moon”"),
    ],
)
def test_a_call_is_refused_in_the_language_of_the_terminal(run: Any, arguments: tuple[str, ...], english: str, chinese: str) -> None:
    """What the parser of arguments says, and what we say, on standard error."""
    for language, said in (("en", english), ("zh-CN", chinese)):
        code, out, error = run(*arguments, "--lang", language)
        assert (code, out) == (2, "") and said in error, error


def test_versions_are_told_in_chinese(run: Any, tmp_path: Path) -> None:
    """What the commands about versions and cases tell of a procedure with two versions."""
    folder = tmp_path / "line"
    folder.mkdir()
    for name in ("核实", "复核"):
        (folder / "line.bpmn").write_bytes(diagram(START, user("a", name=name), END, flows("start > a", "a > end")))
        assert run("deploy", folder, "--lang", "zh-CN")[0] == 0

    def told(*arguments: str) -> str:
        code, said, error = run(*arguments, "--lang", "zh-CN")
        assert code == 0, error
        return str(said)

    assert told("diff", "line", "1") == 'line.bpmn\n  ~ 环节 a (复核)\n      name: "核实" -> "复核"\n'
    assert told("roll-back", "line", "--note", "有误") == "line：第 1 版已重新启用\n"
    assert told("suspend", "line", "--note", "待查") == "line：第 1 版已暂停\n"
    assert told("resume", "line", "--note", "查明") == "line：第 1 版已恢复\n"
    listed = told("versions", "line")
    assert "0 件在办事项  现用" in listed and "已暂停  命令行  待查" in listed
    assert told("migrate", "line", "--dry-run") == "可迁移 0 件，不能迁移 0 件\n"
    assert "周四  休息" in told("calendar", "--from", "2026-10-01", "--days", "1")


def test_times_are_told_in_the_zone_of_the_settings(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the pages: not in that of the machine, nor in UTC."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "partwell.toml").write_text('zone = "Pacific/Kiritimati"\n', "utf-8")
    (tmp_path / "line").mkdir()
    (tmp_path / "line" / "line.bpmn").write_bytes(diagram(START, user("a"), END, flows("start > a", "a > end")))
    assert run("deploy", tmp_path / "line")[0] == 0
    deployed = dt.datetime.fromisoformat(json.loads(run("versions", "line", "--json")[1])[0]["deployed_at"])
    assert f"{deployed.astimezone(ZoneInfo('Pacific/Kiritimati')):%Y-%m-%d %H:%M:%S}" in run("versions", "line")[1]


def test_a_password_is_asked_for_twice(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that differ are asked for again; the questions are in the language of the terminal."""
    typed = iter(["one long password", "another password", "a long enough password", "a long enough password"])
    asked: list[str] = []

    def prompt(text: str, **_: Any) -> str:
        asked.append(text)
        return next(typed)

    monkeypatch.setattr("click.prompt", prompt)
    code, said, error = run("account", "boss", "周明远", "--lang", "zh-CN")
    assert (code, error) == (0, "两次输入不一致。\n") and "现在可用 boss 登录" in said
    assert asked == ["密码", "请再次输入"] * 2
