"""What can be read on the screens that a page of the handbook is about, found through what answers their addresses."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urljoin

from babel.messages.extract import extract_from_file
from flask import Flask

import engine
import webapp
from webapp import i18n
from webapp.handbook.pages import Page
from webapp.handbook.screens import OF_EMPLOYEES, SCREENS

WEB, ENGINE = Path(webapp.__file__).parent, Path(engine.__file__).parent
TEMPLATES = WEB / "templates"
#: on any screen: the frame, the names of states, roles and events, and what is said where something failed
SHARED = (TEMPLATES / "layout.html", TEMPLATES / "macros.html", WEB / "text.py", WEB / "events.py", WEB / "failures.py")
#: modules that every other one imports and that show nothing of their own
_HUBS = {"accounts", "i18n", "site", "handbook"}
_KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
_NAMED = re.compile(r"""["']([\w/.-]+\.html)["']""")


def screens_of(app: Flask, path: str) -> set[str]:
    """The endpoints that a page of the handbook explains: those whose help leads there."""
    about = {key for table in (SCREENS, OF_EMPLOYEES) for key, value in table.items() if value.partition("#")[0] == path}
    of_blueprints = {
        endpoint for endpoint in app.view_functions for key in about if endpoint.partition(".")[0] == key and endpoint not in SCREENS
    }
    return of_blueprints | {key if key in app.view_functions else key.rpartition(".")[0] for key in about if "." in key}


def files_of(app: Flask, path: str) -> set[Path]:
    """Where the texts of those screens stand: the modules that answer, what these import, and their templates."""
    views = {Path(inspect.getsourcefile(inspect.unwrap(app.view_functions[each])) or "") for each in screens_of(app, path)}
    views = {file for file in views if WEB in file.parents}
    templates = {TEMPLATES / name for file in views for name in _NAMED.findall(file.read_text("utf-8"))}
    return {*views, *(each for file in views for each in _imports(file)), *_with_parts(templates)}


def _with_parts(templates: Iterable[Path]) -> set[Path]:
    """Templates with those that they extend, include and import."""
    found, todo = set[Path](), [file for file in templates if file.is_file()]
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += [part for name in _NAMED.findall(file.read_text("utf-8")) if (part := TEMPLATES / name).is_file()]
    return found


@functools.cache
def _imports(file: Path) -> frozenset[Path]:
    """Modules of the web and of the engine that a module imports itself."""
    found = set[Path]()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            base = file.parents[node.level - 1]
        elif (node.module or "").partition(".")[0] == "engine":
            base = ENGINE.parent
        else:
            continue
        place = base.joinpath(*(node.module or "").split("."))
        for each in (place, *(place / name.name for name in node.names)):
            if each.with_suffix(".py").is_file() and each.name not in _HUBS:
                found.add(each.with_suffix(".py"))
            elif each.is_dir() and ENGINE in each.parents:
                found.update(each.rglob("*.py"))
    return frozenset(found)


def with_linked(path: str, pages: Mapping[str, Page]) -> set[str]:
    """A page and those to which it links."""
    links = [link for link in pages[path].links if ".md" in link]
    linked = {urljoin(f"x/{path}", link).removeprefix("x/").partition("#")[0].removesuffix(".md") for link in links}
    return {path, *(linked & pages.keys())}


def said_in(app: Flask, path: str, pages: Mapping[str, Page]) -> set[str]:
    """Texts, untranslated, on the screens of a page and of those to which it links."""
    files = {*_with_parts(each for each in SHARED if each.suffix == ".html"), *(each for each in SHARED if each.suffix == ".py")}
    for each in with_linked(path, pages):
        files |= files_of(app, each)
    return {text for file in files for text in _texts(file)}


@functools.cache
def _texts(file: Path) -> frozenset[str]:
    """What a file marks for translation; in the engine, which marks nothing, what has one."""
    if ENGINE in file.parents:
        chinese = i18n.catalogue("zh-CN")
        return frozenset(text for text in _constants(file) if text and chinese.gettext(text) != text)
    method = "python" if file.suffix == ".py" else "jinja2.ext:babel_extract"
    marked = extract_from_file(method, str(file), keywords=_KEYWORDS, options={"silent": "false"})
    return frozenset(message if isinstance(message, str) else message[0] for _, message, _, _ in marked)


def _constants(file: Path) -> Iterator[str]:
    for each in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value
