"""What holds for the project as a whole: where things lie, what the README must name, what may not be in any file."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

import connectors
from engine.letters.operations import DraftLetter, RenderLetter
from engine.settings import Settings
from webapp.commands import partwell as commands
from webapp.demo.systems import company_connectors
from webapp.operations import PortraitOperation

ROOT = Path(__file__).parent.parent
TOP = {
    *(".ci", ".gitignore", "LICENSE", "Makefile", "README.md", "pyproject.toml"),
    *("connectors", "engine", "forms", "processes", "tests", "webapp"),
}
#: names that say nothing about what is inside
VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
#: files of others, which keep their own style
FOREIGN = ("vendor", "licences", "feel.js", "package-lock.json", "conformance")


def tracked() -> list[Path]:
    """The files that git knows; in an export without git, all but what .gitignore would leave out."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    ignored = [name.rstrip("/") for name in (ROOT / ".gitignore").read_text("utf-8").split()]
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not any(fnmatch(part, name) for part in path.relative_to(ROOT).parts for name in ignored)
    ]


def own() -> list[Path]:
    return [path for path in tracked() if not any(part in FOREIGN for part in path.relative_to(ROOT).parts)]


def python_files() -> list[Path]:
    return [path for path in own() if path.suffix == ".py"]


def test_the_top_level_is_fixed() -> None:
    """Nothing lies at the top that the design does not put there."""
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} == TOP


def test_every_setting_is_in_the_readme() -> None:
    """Each field of the settings has its line."""
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [field.name for field in dataclasses.fields(Settings) if f"`{field.name}`" not in readme] == []


def test_every_operation_is_in_the_readme() -> None:
    """Each operation that a service task can name, of the connectors and our own, has its place."""
    readme = (ROOT / "README.md").read_text("utf-8")
    own_ones = {*PortraitOperation.names, *RenderLetter.names, *DraftLetter.names}
    configured = connectors.load(company_connectors(http="http://127.0.0.1:9", smtp=9, token="none"))
    offered = {name for connector in configured for name in connector.names}
    assert offered and sorted(name for name in own_ones | offered if f"`{name}`" not in readme) == []


def test_every_connector_and_command_is_in_the_readme() -> None:
    """So are the types of connectors and the commands."""
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in connectors.offered() if f"`{name}`" not in readme] == []
    assert [name for name in commands.commands if not re.search(rf"`(partwell )?{name}\b", readme)] == []


def test_the_readme_links_to_what_exists() -> None:
    """Every relative link and picture is there."""
    readme = (ROOT / "README.md").read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", readme) if "://" not in link]
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_names_say_what_is_inside() -> None:
    """No module is called by a word that fits everything."""
    assert [path for path in python_files() if VAGUE & set(path.stem.split("_"))] == []


def test_nothing_is_evaluated_as_python() -> None:
    """Neither eval nor exec nor compile is called anywhere in what ships."""
    found = []
    for path in python_files():
        if path.is_relative_to(ROOT / "tests"):
            continue
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("eval", "exec", "compile"):
                found.append(f"{path.relative_to(ROOT)}:{call.lineno}")
    assert found == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "HACK", "pytest.mark.skip", "pytest.mark.xfail"])
def test_nothing_is_unfinished(word: str) -> None:
    """No note to ourselves, no test that is switched off."""
    texts = {path: path.read_bytes() for path in own() if path != Path(__file__) and path.suffix not in (".otf", ".png")}
    assert [path.relative_to(ROOT).as_posix() for path, text in texts.items() if word.encode() in text] == []


def test_every_test_says_what_it_holds() -> None:
    """One plain sentence stands in each test."""
    silent = []
    for path in python_files():
        if path.name.startswith("test_"):
            for test in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(test, ast.FunctionDef) and test.name.startswith("test_") and not ast.get_docstring(test):
                    silent.append(f"{path.name}: {test.name}")
    assert silent == []


def test_what_is_not_ours_has_its_licence_beside_it() -> None:
    """Each folder of vendored files holds the terms under which they are passed on."""
    vendor = ROOT / "webapp/static/vendor"
    folders = {vendor / path.relative_to(vendor).parts[0] for path in tracked() if path.is_relative_to(vendor)}
    assert folders and [folder.name for folder in folders if not list(folder.glob("*LICEN*"))] == []
