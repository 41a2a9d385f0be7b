"""A manager compares what was published with what was before, in pictures, tables and words, and rolls it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser import DESK, Visitor
from playwright.sync_api import expect
from web_office import PASSWORD, Office, served

from engine import deploying, versions
from engine.studio import changing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_LETTER = (
    '<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n<title>通知</title>\n</head>\n<body>\n{}\n</body>\n</html>\n'
)


@pytest.fixture
def address(own_office: Office) -> Iterator[str]:
    with served(own_office) as address:
        yield address


def test_a_manager_compares_two_versions_and_rolls_back(own_office: Office, address: str, chromium: Browser) -> None:
    """A click on a change lights the element in both diagrams; the former version serves new cases again, with the reason kept."""
    services = own_office.services
    kept = dict(versions.numbered(services, "office", None).files)
    path = next(path for path in kept if path.endswith(".bpmn"))
    kept[path] = kept[path].replace('name="面谈记录"'.encode(), 'name="面谈纪要"'.encode())
    kept["letters/note.txt"] = "自即日起生效".encode()
    deploying.deploy(services, kept, procedure="office", note="措辞更准确")
    manager = Visitor(chromium, address, "admin", PASSWORD, DESK)
    page = manager.page
    page.goto("/studio/office/versions")
    manager.reads("第 2 版", "措辞更准确", "回退到第 1 版")
    record = page.get_by_text("版本操作记录").last
    beside = page.locator("#version-1 .answer").last
    middle = [one.evaluate("one => one.getBoundingClientRect().top + one.getBoundingClientRect().height / 2") for one in (record, beside)]
    assert abs(middle[0] - middle[1]) < 1
    manager.look("studio-versions")
    page.get_by_role("link", name="与第 1 版对比").click()
    manager.reads("letters/note.txt", "自即日起生效")
    page.get_by_role("button", name="面谈纪要").click()
    expect(page.locator(".compared-side .lit")).to_have_count(2)
    expect(page.locator(".compared-side .lit").last).to_be_in_viewport()
    manager.look("studio-compare")
    page.goto("/studio/office/versions")
    page.get_by_label("原因").first.fill("新措辞有误")
    page.get_by_role("button", name="回退", exact=True).click()
    expect(page.get_by_text("已恢复启用第 1 版")).to_be_visible()
    assert versions.numbered(services, "office", None).number == 1
    page.get_by_text("版本操作记录").last.click()
    manager.reads("新措辞有误")
    manager.leave()


def test_what_is_published_is_read_on_the_page(own_office: Office, address: str, chromium: Browser) -> None:
    """A long paragraph of a letter is wrapped, and its words are marked; a finding leads to its line."""
    services = own_office.services
    kept, path = dict(versions.numbered(services, "office", None).files), "letters/note.html"
    paragraph = "现通知您自即日起办理工作交接，包括资料、账号、设备与未完成事项的移交。" * 6
    kept[path] = _LETTER.format(f"<p>{paragraph}</p>").encode()
    deploying.deploy(services, kept, procedure="office", note="增加通知")
    changed = _LETTER.format(f"<p>{paragraph.replace('即日', '次日', 1)}</p>").encode()
    changing.save(services, "office", path, changed, revision=0, actor=own_office.people["admin"])
    faulty = b"name: x\ngiven: {clock: 2026-11-24, subject: a, initiator: b}\nwhen: [{pass: bald}]\n"
    changing.save(services, "office", "scenarios/one.yaml", faulty, revision=None, actor=own_office.people["admin"])
    manager = Visitor(chromium, address, "admin", PASSWORD, DESK)
    manager.page.goto("/studio/office/publish")
    expect(manager.page.locator(".passages del").first).to_have_text("即")
    expect(manager.page.locator(".finding.is-error a.line").first).to_be_visible()
    for text in manager.page.locator(".passages").all():
        assert text.evaluate("one => one.scrollWidth <= one.clientWidth")
    manager.look("studio-publish")
    manager.leave()
