"""What changed in a letter, as people read it."""

from __future__ import annotations

from engine.bpmn.differences import Change
from webapp.studio import passages, wording
from webapp.studio.changes import told


def letter(body: str) -> bytes:
    return f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>试</title></head><body>{body}</body></html>'.encode()


def words(before: str, after: str) -> list[tuple[str, str]]:
    found = passages.of(letter(before), letter(after), "letters/x.html")
    return [(kind, text) for kind, text in found if kind not in ("same", "gap")]


def test_only_the_words_that_changed_are_shown() -> None:
    """Not the tags around them, and content items by what they are called."""
    before = '<p>经研究，<data value="subject.name">姓名</data>于今日离职。</p><hr class="cut"><p>谢谢。</p>'
    after = before.replace("今日", '<data value="end_date" data-as="day">离职日期</data>')
    assert words(before, after) == [("removed", "今日"), ("added", "〔离职日期〕")]


def test_a_content_item_that_means_something_else_is_shown_with_what_it_means() -> None:
    """The same name on both sides for two expressions, or printed in two ways."""
    before, after = ('<p>于<data value="end_date" data-as="day">日期</data>止</p>'.replace("end_date", name) for name in ("a", "b"))
    assert wording.both(letter(before), letter(after)) == ("于〔日期 = a day〕止\n", "于〔日期 = b day〕止\n")
    assert words(before, after) == [("removed", "〔日期 = a day〕"), ("added", "〔日期 = b day〕")]


def test_conditions_and_repetitions_are_part_of_what_is_read() -> None:
    """Of a paragraph, of some words, of an item, and what stands at the foot."""
    body = (
        '<p data-if="a = 1">甲<span data-if="b">乙</span><span class="box"></span></p><ol><li>一</li><li data-each="list">'
        '<data value="item">项</data></li></ol><table><tr><td>左</td><td>右<br>下</td></tr></table><footer>尾</footer>'
    )
    text = "〔仅当 a = 1〕甲〔仅当 b〕乙□\n1. 一\n2. 〔逐项 list〕〔项〕\n左 | 右 下\n页脚：尾\n"
    assert wording.both(None, letter(body)) == ("", text)


def test_a_letter_that_cannot_be_read_is_compared_as_it_is_written() -> None:
    """Its text is shown, tags and all."""
    assert wording.both(letter("<p>甲</p>"), b"<p>") is None
    found = passages.of(letter("<p>甲</p>"), letter("<p>甲</p><script>1</script>"), "letters/x.html")
    assert "script>1" in "".join(text for kind, text in found if kind == "added")


def test_the_list_of_changes_marks_words_of_the_letter() -> None:
    """Where versions are published, too; the file's name stands above them and nowhere else."""
    texts = tuple(letter(f"<p>{each}日离职</p><p>同</p>").decode() for each in ("今", "明"))
    change = Change(file="letters/x.html", what="file", how="changed", id="letters/x.html", name="x.html", settings={"text": texts})
    said = told(change)
    [detail] = said.details
    assert detail.passages == [("removed", "今"), ("added", "明"), ("same", "日离职\n"), ("same", "同\n")]
    assert (said.name, said.id, detail.setting) == ("", "", "")
