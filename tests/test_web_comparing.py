"""The page on which two versions of a procedure stand side by side: tables, forms, letters, and what cannot be read."""

from __future__ import annotations

import json
import re
from typing import Any

from web_office import Office

from engine import deploying, versions
from engine.studio import changing, drafts
from webapp.studio import passages


def text_of(page: str) -> str:
    """What is read, with signs around what was put in and taken out."""
    marked = page.replace("<ins>", "«").replace("</ins>", "»").replace("<del>", "‹").replace("</del>", "›")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", marked))


def saved(office: Office, **files: bytes) -> None:
    """Files of the draft of the procedure `office`."""
    for path, content in files.items():
        kept = drafts.contents(office.services, "office", actor=None)
        seen: Any = drafts.content(office.services, "office", path, actor=None)[1] if path in kept else None
        changing.save(office.services, "office", path, content, revision=seen, actor=office.people["admin"])


def test_words_are_compared_and_blanks_kept() -> None:
    """Chinese sign by sign, Latin word by word; what is far from a change is left out."""
    assert passages.passages("自即日起3个工作日内", "自即日起5个工作日内") == [
        ("same", "自即日起"),
        ("removed", "3"),
        ("added", "5"),
        ("same", "个工作日内"),
    ]
    long = "".join(f"line {number}\n" for number in range(50))
    found = passages.passages(long, long.replace("line 25\n", "row 25\n"))
    assert [kind for kind, _ in found] == ["gap", "same", "removed", "added", "same", "same", "gap"]
    assert "".join(text for kind, text in found if kind in ("same", "added")).splitlines()[3] == "row 25"
    assert passages.passages(long, long) == []


def test_a_long_passage_is_replaced_whole_rather_than_compared_for_minutes() -> None:
    """Nothing of it is lost."""
    one, other = "a b " * 5000, "c d " * 5000
    assert passages.passages(one, other) == [("removed", one), ("added", other)]


def test_a_form_a_letter_and_rules_side_by_side(office: Office) -> None:
    """Fields as whoever fills them in sees them, marked; texts word by word; what is only laid out otherwise says so."""
    kept = drafts.contents(office.services, "office", actor=None)
    form = kept["forms/answer.form"].replace("本人陈述".encode(), "本人陈述与意见".encode())
    saved(office, **{"forms/answer.form": form, "letters/note.txt": "自即日起生效".encode(), "rules.json": b'{ "managers":["admin"] }'})
    admin = office.browser("admin", "en")
    page = text_of(admin.get("/studio/office/compare").text)
    assert "forms/answer.form" in page and "本人陈述" in page and "本人陈述与意见" in page
    assert "«自即日起生效»" in page and "letters/note.txt" in page
    assert "My statement" in page
    html = admin.get("/studio/office/compare?from=draft&to=1").text
    assert "‹自即日起生效›" in text_of(html) and 'class="compared-field is-changed"' in html and "<form" in html


def test_a_file_that_cannot_be_read_is_compared_as_text(office: Office) -> None:
    """The other files stand there as ever."""
    path = next(path for path in drafts.contents(office.services, "office", actor=None) if path.endswith(".bpmn"))
    saved(office, **{path: b"<definitions><broken"})
    page = text_of(office.browser("admin", "en").get("/studio/office/compare").text)
    assert "One side cannot be read" in page and "‹broken" not in page and "broken" in page


def test_who_may_not_and_what_is_not_there(own_office: Office) -> None:
    """Nobody but managers; no version, no number."""
    office = own_office
    assert office.browser("wangfang").get("/studio/office/compare").status_code == 403
    admin = office.browser("admin")
    for asked in ("from=99", "to=draft", "from=x", "to=" + "9" * 30, "from=%00"):
        assert admin.get(f"/studio/office/compare?{asked}").status_code == 404, asked
    assert admin.get("/studio/nothing/compare").status_code == 404
    assert "没有差异" in admin.get("/studio/office/compare").text


def test_a_long_value_is_compared_word_by_word() -> None:
    """What stays the same far from the change is left out, so that the change is seen."""
    long = " ".join(f"word{number}" for number in range(60))
    found = passages.around(long, long.replace("word30", "other"))
    assert [kind for kind, _ in found] == ["same", "removed", "added", "same"]
    assert found[0][1].startswith("…") and found[0][1].endswith("word29 ") and found[3][1].endswith("…")


def test_what_would_have_been_is_shown_a_portion_at_a_time(own_office: Office) -> None:
    """The case that the draft would have sent elsewhere, with what is new and why it is not played on."""
    office = own_office
    office.case()
    office.case()
    kept = drafts.contents(office.services, "office", actor=None)
    path = next(path for path in kept if path.endswith(".bpmn"))
    saved(office, **{path: kept[path].replace(b'targetRef="usage"', b'targetRef="talk"', 1)})
    page = office.browser("admin", "en").get("/studio/office/what-if").text
    assert "2 of 2 cases played" in text_of(page)
    assert office.browser("wangfang").get("/studio/office/what-if").status_code == 403
    assert "已推演 2 / 2 个事项" in office.browser("admin", "zh-CN").get("/studio/office/what-if?after=1&elsewhere=1").text


def test_rolling_back_needs_a_reason_and_goes_back_once(own_office: Office) -> None:
    """Who published what and why is on the page; a second click, on what is active no longer, changes nothing."""
    office = own_office
    kept = dict(versions.numbered(office.services, "office", None).files)
    deploying.deploy(office.services, {**kept, "letters/note.txt": b"x"}, procedure="office", note="补充说明")
    admin = office.browser("admin", "en")
    page = admin.get("/studio/office/versions").text
    assert "补充说明" in page and "Roll back to version 1" in page and "from=1&amp;to=2" in page
    assert "Take moved cases back" not in page  # none was moved
    assert office.post(admin, "/studio/office/roll-back", {"active": "2", "reason": " "}).status_code == 422
    done = office.post(admin, "/studio/office/roll-back", {"active": "2", "reason": "有误"}, follow_redirects=True)
    assert "Version 1 is active again" in done.text and "有误" in done.text
    assert "Reactivate version 2" in done.text and "Roll back to" not in done.text  # the later one is no way back
    again = office.post(admin, "/studio/office/roll-back", {"active": "2", "reason": "有误"})
    assert again.status_code == 409 and versions.numbered(office.services, "office", None).number == 1
    other = office.browser("wangfang")
    assert other.get("/studio/office/versions").status_code == 403
    assert office.post(other, "/studio/office/roll-back", {"active": "1", "reason": "x"}).status_code == 403


def test_a_group_of_a_form_is_marked_by_its_label_and_by_what_lies_in_it(own_office: Office) -> None:
    """So that a change is seen where the form is looked at, however deep it lies."""
    inner = {"type": "textfield", "id": "F1", "key": "place", "label": "地点"}
    group = {"type": "group", "id": "G1", "path": "talk", "label": "面谈", "components": [inner]}

    def form(**more: str) -> bytes:
        return json.dumps({"type": "default", "schemaVersion": 18, "id": "extra", "components": [{**group, **more}]}).encode()

    kept = dict(versions.numbered(own_office.services, "office", None).files)
    deploying.deploy(own_office.services, {**kept, "forms/extra.form": form()}, procedure="office")
    saved(own_office, **{"forms/extra.form": form(label="沟通")})
    assert own_office.browser("admin").get("/studio/office/compare").text.count('class="compared-field is-changed"') == 2


def test_what_is_only_drawn_elsewhere_is_named(own_office: Office) -> None:
    """A step by its name, a flow by the steps that it connects."""
    kept = drafts.contents(own_office.services, "office", actor=None)
    path = next(path for path in kept if path.endswith(".bpmn"))
    flow = next(re.finditer(rb'<bpmn:sequenceFlow id="(\w+)"', kept[path]))[1]
    edge = re.compile(rb'(bpmnElement="' + flow + rb'"[^>]*>\s*<di:waypoint x=")(\d+)')
    drawn = edge.sub(lambda found: found[1] + str(int(found[2]) - 7).encode(), kept[path])
    assert drawn != kept[path]
    saved(own_office, **{path: drawn})
    page = own_office.browser("admin", "zh-CN").get("/studio/office/compare").text
    assert "1 个元素仅移动了位置" in page
    assert re.search(r'class="lights" data-lights="' + flow.decode() + '">从「[^」]+」到「[^」]+」</button>', page)
