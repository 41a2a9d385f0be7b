"""One word for one thing, in the catalogues, in the handbook and in the README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import webapp
from webapp import i18n
from webapp.handbook.pages import FOLDER

ROOT = Path(webapp.__file__).parent.parent

#: what is not written -> the word for it
INSTEAD = {
    "流程负责人|流程所有者|管理人员|事项管理员": "流程管理员 (who may change, publish and repair a procedure)",
    "(?<!流程)(?<!系统)管理员": "流程管理员 or 系统管理员: which of the two",
    "查阅人员": "可查看全部事项的人",
    "认领": "领取",
    "(?<!法定)(?<!所需)(?<!本)步骤": "环节 (法定步骤 are what the law asks for)",
    "流程设计(?!器)|运行情况|统计分析": "the entry 流程 of the menu and its tabs",
    "(?i)process owner|procedure owner": "manager of the procedure",
    "(?i)procedure design|case flow": "the entry Procedures of the menu and its tabs",
}


def texts() -> Iterator[tuple[str, str]]:
    """Where, and what a person reads there."""
    for message in i18n._messages("zh-CN", "*.po"):
        yield "catalogue", f"{message.id} {message.string}"
    for file in (*FOLDER.rglob("*.md"), ROOT / "README.md"):
        yield file.name, file.read_text("utf-8")


@pytest.mark.parametrize("former", INSTEAD)
def test_a_thing_has_one_word(former: str) -> None:
    """Words that were given up come back nowhere."""
    found = [f"{where}: {match[0]}" for where, text in texts() for match in re.finditer(former, text)]
    assert found == [], INSTEAD[former]


def test_the_words_are_looked_for_where_people_read() -> None:
    """The texts hold both words for who manages, in both languages."""
    every = "\n".join(text for _, text in texts())
    for word in ("流程管理员", "系统管理员", "manager of the procedure", "administrator"):
        assert every.count(word) > 20, word
