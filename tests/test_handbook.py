"""The handbook: every screen has its page, both languages have the same, and what it names on the screen is there."""

import functools
import json
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import click
import pytest
from browser import DESK, PHONE, Visitor
from lxml import etree
from playwright.sync_api import Browser, expect
from screen_words import said_in, screens_of, with_linked
from test_i18n import _errors
from web_office import PASSWORD, Office

import forms
import webapp
from webapp import i18n
from webapp.commands import partwell
from webapp.endings import ACTS
from webapp.handbook import pages as files
from webapp.handbook.pages import FOLDER, GROUPS, PICTURES, Page, handbook
from webapp.handbook.screens import OF_EMPLOYEES, SCREENS, explained_at
from webapp.handbook.search import search
from webapp.verbs import VERBS

LANGUAGES = sorted(i18n.LOCALES)
PAGES = [pytest.param(locale, path, id=f"{locale}/{path}") for locale in LANGUAGES for path in handbook(locale)]
#: blueprints and single addresses that answer with no page: machines ask them, or they lead somewhere
NO_SCREENS = {"static", "api", "studio_data", "openapi", "health", "metrics"}
FRONTEND = Path(webapp.__file__).parent / "frontend"
#: a text of the editors and its Chinese, as their dictionary has them
_PAIR = re.compile(r"^  (?:'((?:[^'\\]|\\.)*)'|(\w+)):\s*'((?:[^'\\]|\\.)*)'", re.MULTILINE)
PROCESSES = Path(forms.__file__).parent.parent / "processes"


def anchors(page: Page) -> set[str]:
    return {section.id for section in page.sections}


def target(locale: str, address: str) -> Page | None:
    path, _, anchor = address.partition("#")
    page = handbook(locale).get(path)
    return page if page and anchor in anchors(page) else None


# --- every screen has its page


def test_every_screen_is_explained(office: Office) -> None:
    """Each address that a browser may open leads from 帮助 to a page of the handbook."""
    asked = {rule.endpoint for rule in office.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    screens = {each for each in asked if each.partition(".")[0] not in NO_SCREENS}
    names = {"verb": "transfer", "act": "cancel", "kind": "duties"}
    assert len(screens) > 40 and sorted(each for each in screens if not explained_at(each, names, roles={"hr"})) == []


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_explanation_is_there(locale: str) -> None:
    """What the screens lead to exists, for each verb and each way to end a case."""
    wanted = {*SCREENS.values(), *OF_EMPLOYEES.values()}
    wanted |= {f"work/verbs#{verb}" for verb in VERBS} | {f"hr/endings#{act}" for act in ACTS}
    wanted |= {f"owners/versions#{act}" for act in ("activate", "suspend", "resume")}
    assert sorted(each for each in wanted if "{" not in each and target(locale, each) is None) == []


def test_nothing_is_explained_that_is_not_there(office: Office) -> None:
    """The table of screens names blueprints and endpoints that exist."""
    known = {*office.app.blueprints, *(rule.endpoint for rule in office.app.url_map.iter_rules())}
    kinds = {f"studio.edit.{kind}" for kind in ("bpmn", "dmn", "form", "html", "txt")}
    assert sorted({*SCREENS, *OF_EMPLOYEES} - known - kinds) == []


def test_help_leads_from_a_screen_to_what_explains_it(office: Office) -> None:
    """Also to the heading of the very verb, and for somebody without a role to what concerns an employee."""
    item = office.talked(office.case())
    signer, employee = office.browser("zhaominhua"), office.browser("linxiaobei")
    for address, page in (
        ("/inbox", "work/inbox"),
        ("/inbox/done", "work/inbox#done"),
        (f"/items/{item}", "work/item"),
        (f"/items/{item}/delegate", "work/verbs#delegate"),
        ("/account/calendar", "start/settings#calendar"),
        ("/no/such/page", ""),
    ):
        assert f'class="help" href="/handbook{"/" + page if page else ""}"' in signer.get(address).text
    assert 'class="help" href="/handbook/own/statement"' in employee.get("/inbox").text


# --- what the pages say


def test_both_languages_have_the_same_pages() -> None:
    """Same files, same headings under the same ids in the same order, same pictures."""
    outline = {
        locale: [(path, [(s.id, s.level) for s in page.sections], page.order, page.public) for path, page in handbook(locale).items()]
        for locale in LANGUAGES
    }
    assert outline["en"] and outline["en"] == outline["zh-CN"]
    assert {page.group for page in handbook("en").values()} == set(GROUPS)


@pytest.mark.parametrize(("locale", "path"), PAGES)
def test_links_and_pictures_are_there(office: Office, locale: str, path: str) -> None:
    """Each link leads to a heading of the handbook or to a screen, each picture is a file, and no heading's id is given twice."""
    page = handbook(locale)[path]
    addresses = office.app.url_map.bind("partwell.example")
    broken = []
    for link in page.links:
        if link.startswith("/"):
            addresses.match(urlsplit(link).path)
        elif link.startswith("#") or link.partition("#")[0].endswith(".md"):
            address = f"{path}{link}" if link.startswith("#") else urljoin(f"x/{path}", link).removeprefix("x/").replace(".md", "", 1)
            broken += [] if target(locale, address) else [link]
        else:
            broken.append(link)
    ids = [section.id for section in page.sections]
    assert broken == [] and len(ids) == len(set(ids))
    assert [name for name in page.pictures if not (PICTURES / name).is_file()] == []


def on_screen(office: Office, locale: str, path: str) -> tuple[set[str], list[re.Pattern[str]]]:
    """What may be read in a language where a page of the handbook is about: on its screens and those of the pages it links to, in what the
    shipped procedure shows, and as an error; and those texts with places.
    """
    pages = handbook(locale)
    catalogue = i18n.catalogue(locale)
    said = said_in(office.app, path, pages) | {" ".join((error.__doc__ or "").split()) for error in _errors()}
    texts = {each for text in said for each in (catalogue.gettext(text), catalogue.ngettext(text, text, 2))}
    texts |= of_the_procedure(locale)
    if any(endpoint.startswith("studio.edit") for each in with_linked(path, pages) for endpoint in screens_of(office.app, each)):
        texts |= of_the_editors(locale)
    texts = {re.sub(r"{(\w+)}", r"%(\1)s", text) for text in texts}
    # what is mostly places would fit anything
    places = [text for text in texts if "%(" in text and len(re.sub(r"%\(\w+\)s|\W", "", text)) >= (2 if locale == "zh-CN" else 5)]
    return texts, [re.compile(re.sub(r"%\\\(\w+\\\)s", ".+", re.escape(text))) for text in places]


@functools.cache
def of_the_procedure(locale: str) -> set[str]:
    """What the forms, the diagram and the chains that come along call things."""
    texts = {label for form in forms_of_procedures() for label in labels_of(form, locale)}
    for diagram in PROCESSES.glob("*/*.bpmn"):
        for element in etree.parse(diagram).iter("{*}*"):
            texts.add(element.get("name", ""))
            if element.tag.endswith("}property") and element.get("name") == "wf.name.en":
                texts.add(element.get("value", ""))
    for settings in (*PROCESSES.glob("*/chains.json"), *PROCESSES.glob("*/rules.json")):
        texts |= set(re.findall(r'"name(?:_en)?": "([^"]+)"', settings.read_text("utf-8")))
    return texts


@functools.cache
def of_the_editors(locale: str) -> set[str]:
    """What the editors in the browser say."""
    texts = set()
    for file in FRONTEND.glob("words/zh*.js"):
        for quoted, plain, chinese in _PAIR.findall(file.read_text("utf-8")):
            texts.add((chinese if locale == "zh-CN" else quoted or plain).replace("\\'", "'"))
    return texts


def forms_of_procedures() -> list[dict[str, object]]:
    return [json.loads(file.read_text("utf-8")) for file in Path(forms.__file__).parent.glob("*.form")]


def labels_of(part: object, locale: str) -> set[str]:
    """Labels of fields and options, with those of inner components."""
    if isinstance(part, list):
        return {label for each in part for label in labels_of(each, locale)}
    if not isinstance(part, dict):
        return set()
    own = {str(part[key]) for key in ("label", "dateLabel", "label_en", "text", "text_en") if key in part}
    return own | {label for each in part.values() for label in labels_of(each, locale)}


@pytest.mark.parametrize(("locale", "path"), PAGES)
def test_what_is_named_is_on_the_screen(office: Office, locale: str, path: str) -> None:
    """Each 「word」 of a page is, letter by letter, a text of the screens that it is about, or of those of a page it links to."""
    texts, places = on_screen(office, locale, path)
    named = handbook(locale)[path].labels
    assert [label for label in named if label not in texts and not any(place.fullmatch(label) for place in places)] == []


def test_every_command_of_a_page_is_there() -> None:
    """What a page says to type is a command, and its options are that command's."""
    lines = {
        line
        for file in FOLDER.rglob("*.md")
        for line in re.findall(r"(?:^|`)partwell (\w.*?)(?:`|$)", file.read_text("utf-8"), re.MULTILINE)
    }
    for line in lines:
        words, command = line.split(), partwell
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        known = {option for each in command.params for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= known, line
    assert len(lines) > 12


def test_the_english_pages_hold_no_chinese() -> None:
    """But for the words on the screen and the product's own Chinese terms in brackets, an English page is English."""
    for file in (FOLDER / "en").rglob("*.md"):
        rest = re.sub(r"「.*?」|\([^()]*\)|（[^（）]*）|`[^`]*`|```.*?```", "", file.read_text("utf-8"), flags=re.DOTALL)
        assert not re.search(r"[\u3400-\u9fff]", rest), file


# --- reading a file


def test_a_page_without_a_head_or_a_heading_without_an_id_is_refused(tmp_path: Path) -> None:
    """The fault names the file, so that whoever writes a page finds it."""
    (tmp_path / "work").mkdir()
    file = tmp_path / "work" / "odd.md"
    for text, fault in (("# no head", "begins with"), ("---\ntitle: A\n---\n", "order"), ("---\ntitle: A\norder: 1\n---\n## B\n", "“B”")):
        file.write_text(text, "utf-8")
        with pytest.raises(files.HandbookPageWrong, match=fault) as refused:
            files._read(file)
        assert "odd.md" in str(refused.value)


def test_words_on_the_screen_are_marked_and_html_is_text(tmp_path: Path) -> None:
    """「同意」 directly after a Chinese character is marked; a tag in a page does nothing."""
    file = tmp_path / "page.md"
    file.write_text("---\ntitle: A\norder: 1\n---\n点「同意」<b>后</b>，见[代理](../work/absence.md#name)。\n", "utf-8")
    html = files._read(file).html
    assert '点<strong class="on-screen">同意</strong>&lt;b&gt;' in html and 'href="../work/absence#name"' in html


# --- finding


def test_chinese_is_found_without_spaces() -> None:
    """A term finds its heading first; a question that stands nowhere as it is finds what it is about."""
    pages = list(handbook("zh-CN").values())
    assert search(pages, "转办")[0].section.id == "transfer"
    assert search(pages, "怎么退回")[0].section.id == "return"
    assert {"return", "decide"} & {hit.section.id for hit in search(pages, "退回和驳回的区别")[:3]}
    assert search(pages, "") == [] and search(pages, "没有这种东西啊啊啊") == []


def test_what_is_found_is_marked_and_harmless() -> None:
    """The piece of text shows what was found; a tag that was searched for is no tag."""
    pages = list(handbook("en").values())
    hits = search(pages, "PASS on")
    assert hits and any("<mark>" in hit.excerpt for hit in hits)
    assert search(pages, "<b>") == []


# --- the pages in the product


def test_the_handbook_is_behind_the_log_in_but_for_logging_in(office: Office) -> None:
    """A stranger reads how to log in, and is sent to the log-in for everything else."""
    stranger = office.app.test_client()
    assert stranger.get("/handbook").location.startswith("/log-in")
    assert stranger.get("/handbook/work/verbs").location == "/log-in?next=/handbook/work/verbs"
    page = stranger.get("/handbook/start/log-in")
    assert page.status_code == 200 and "work/verbs" not in page.text
    assert "/handbook/start/log-in" in stranger.get("/log-in").text
    assert stranger.get("/handbook/work/none").status_code == 404


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_person_asks_for_help_in_the_browser(chromium: Browser, address: str, width: int) -> None:
    """From the inbox to its page, by the contents to another, and by searching to a third, on a desk and on a phone."""
    wangfang = Visitor(chromium, address, "wangfang", PASSWORD, width)
    page = wangfang.page
    page.get_by_role("link", name="帮助").click()
    expect(page.get_by_role("heading", name="待办列表", level=1)).to_be_visible()
    wangfang.look("handbook-inbox")
    if width == PHONE:
        page.get_by_text("目录", exact=True).click()
    page.get_by_role("link", name="签批时可用的操作").locator("visible=true").click()
    expect(page.get_by_role("heading", name="签批时可用的操作", level=1)).to_be_visible()
    wangfang.look("handbook-verbs")
    page.get_by_role("searchbox", name="搜索手册").fill("证据包怎么核验")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="证据包与离线核验", exact=True).first.click()
    expect(page.get_by_role("heading", name="证据包与离线核验", level=1)).to_be_visible()
    page.goto("/handbook")
    wangfang.look("handbook")
    wangfang.leave()
