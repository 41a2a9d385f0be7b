"""Diagrams as pictures: every element drawn, states told twice, names in both languages, safe to put into a page."""

from __future__ import annotations

import re

import pytest
from diagrams import END, START, boxes, diagram, event, flows, node, service, timer, user, zeebe
from lxml import etree

from engine import errors
from engine.bpmn import render
from engine.bpmn.badges import HEAT, Badge

BODY = (
    START,
    node(
        "userTask",
        "assess",
        zeebe("properties", zeebe("property", name="wf.name.en", value="Assess")),
        name="评估表现 <并> 提出“处理”意见",
    ),
    service("pull", name="调取记录"),
    node("subProcess", "part", user("inner", name="里面")),
    node("boundaryEvent", "late", timer(duration="P3D"), attachedToRef="assess", cancelActivity="false", name="每天提醒"),
    node("exclusiveGateway", "choice", default="choice_end", name="如何？"),
    node("endEvent", "failed", event("error")),
    END,
    flows("start > assess", "assess > pull", "pull > part", "part > choice", "choice > failed: bad", "choice > end"),
)


def drawn(**options) -> etree._Element:
    return etree.fromstring(render.svg(boxes(diagram(*BODY)), **options).encode())


def group(picture: etree._Element, id: str) -> etree._Element:
    [found] = picture.xpath(f'//*[@data-element="{id}"]')
    return found


def said(node: etree._Element) -> str:
    return "".join(node.xpath(".//*[local-name()='tspan']/text()"))


def test_every_element_and_flow_is_drawn():
    """Nothing that the diagram shows is missing."""
    ids = {g.get("data-element") for g in drawn().xpath("//*[@data-element]")}
    assert ids >= {"start", "assess", "pull", "part", "inner", "late", "choice", "failed", "end", "assess_pull", "choice_failed"}


def test_names_are_text_and_nothing_else():
    """Signs of XML in a name are shown as they are; long names are broken into lines."""
    assert said(group(drawn(), "assess")).replace(" ", "") == "评估表现<并>提出“处理”意见"
    assert len(group(drawn(), "assess").xpath(".//*[local-name()='tspan']")) == 2


def test_english_names_are_shown_where_there_are_some():
    """`wf.name.en` in English, the Chinese name otherwise."""
    english = drawn(locale="en")
    assert said(group(english, "assess")) == "Assess" and said(group(english, "pull")) == "调取记录"


def test_states_are_told_by_class_words_and_shape():
    """Not by colour alone: a class, a title for readers, a heavier line."""
    picture = drawn(lit={"assess"}, done={"pull"}, locale="en")
    assert "current" in group(picture, "assess").get("class").split() and "done" in group(picture, "pull").get("class").split()
    assert "Assess: in progress" in picture.get("aria-label") and picture.get("role") == "img"
    assert group(picture, "assess")[0].text == "Assess (in progress)"
    assert float(group(picture, "assess").xpath(".//*[local-name()='rect']/@stroke-width")[0]) > 3


def test_what_is_lit_inside_a_closed_sub_process_lights_it():
    """The picture shows no inside, so the outside tells."""
    xml = boxes(diagram(*BODY)).replace(b'bpmnElement="part"', b'bpmnElement="part" isExpanded="false"')
    xml = re.sub(rb'<bpmndi:BPMNShape[^>]*bpmnElement="inner".*?</bpmndi:BPMNShape>', b"", xml)
    picture = etree.fromstring(render.svg(xml, lit={"inner"}).encode())
    assert "current" in group(picture, "part").get("class").split()


def test_the_picture_brings_nothing_along():
    """No script, style, link, image or event handler: it can stand in any page and any PDF."""
    picture = drawn(lit={"assess"})
    tags = {etree.QName(node).localname for node in picture.iter()}
    assert tags <= {"svg", "g", "title", "desc", "rect", "circle", "path", "polygon", "text", "tspan"}
    for element in picture.iter():
        for key in element.attrib:
            assert key not in ("style", "href") and not key.startswith("on") and "://" not in element.get(key)


def test_everything_lies_inside_the_frame():
    """Nothing is cut off."""
    picture = drawn()
    left, top, width, height = map(float, picture.get("viewBox").split())
    for rect in picture.xpath("//*[local-name()='rect']"):
        x, y, w, h = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
        assert left <= x and top <= y and x + w <= left + width and y + h <= top + height


def test_a_file_without_a_drawing_is_arranged():
    """Each element gets a place of its own."""
    picture = etree.fromstring(render.svg(diagram(*BODY), lit={"assess"}).encode())
    places = [tuple(rect.get(k) for k in ("x", "y")) for rect in picture.xpath("//*[local-name()='rect']")]
    assert len(places) == len(set(places)) >= 4 and group(picture, "choice_failed") is not None


def test_a_picture_of_nothing_is_still_a_picture():
    """A file without a process gives an empty frame, one that is no XML an error that says so."""
    assert render.svg(b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>').startswith("<svg")
    with pytest.raises(errors.FileRefused):
        render.svg(b"<svg")


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("调取应用使用记录", 86, ["调取应用", "使用记录"]),
        ("Take notes of it", 70, ["Take notes", "of it"]),
        ("好。", 12, ["好。"]),
        ("", 50, []),
        ("Donaudampfschifffahrt", 30, ["Donaudampfschifffahrt"]),
    ],
)
def test_lines_are_even_and_never_wider_than_they_must(text, width, lines):
    """A last line of one character is avoided; closing punctuation stays with its word."""
    assert render.wrapped(text, width, 12) == lines


def test_badges_stand_on_elements_and_lead_somewhere():
    """A figure is written onto its element, shaded, said in words, and a link; a picture without links stays a picture."""
    xml = boxes(diagram(*BODY))
    known = "assess"
    drawing = render.svg(xml, badges={known: Badge(text="7", said="七件 <&>", heat=5, alarm=True, link="/operations?a=1&b=2")})
    tree = etree.fromstring(drawing)
    [link] = tree.iterfind(".//{*}a")
    assert link.get("href") == "/operations?a=1&b=2" and link.get("aria-label") == "七件 <&>" and tree.get("role") == "group"
    assert HEAT[5] in drawing and ">7</text>" in drawing
    assert (
        "assess" in render.shown(xml)
        and etree.fromstring(render.svg(xml, badges={known: Badge(text="7", said="七件")})).get("role") == "img"
    )
