"""XML from outside: what may harm is refused with a reason, before anything else looks at it."""

from __future__ import annotations

import pytest
from diagrams import END, START, diagram, flows, user

from engine import errors
from engine.bpmn.parser import processes
from engine.bpmn.reader import LARGEST, read_xml

PLAIN = diagram(START, user("a"), END, flows("start > a", "a > end"))
BOMB = b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><d>&b;&b;&b;</d>'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "well-formed"),
        (b"no xml at all", "line 1"),
        (b"<a><b></a>", "line 1"),
        (BOMB, "DOCTYPE"),
        (b'<!DOCTYPE d SYSTEM "http://127.0.0.1/x.dtd"><d/>', "DOCTYPE"),
        (b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><d>&x;</d>', "DOCTYPE"),
        (b"<d>" + b" " * LARGEST + b"</d>", "2 MB"),
        (b"<d>" * 300 + b"</d>" * 300, "line 1"),
        (b"\xff\xfe\x00garbage", "XML"),
        (b'<?xml version="1.0" encoding="nowhere"?><d/>', "XML"),
    ],
)
def test_what_may_harm_is_refused(content, reason):
    """Document types, entities, depth, size, broken text: one clear sentence each."""
    with pytest.raises(errors.FileRefused, match=reason) as refused:
        read_xml(content, "x.bpmn")
    assert "x.bpmn" in refused.value.message


def test_an_ordinary_diagram_is_read():
    """Processes, elements and flows as drawn."""
    [process] = processes(read_xml(PLAIN, "x.bpmn"), "x.bpmn")
    assert list(process.elements) == ["start", "a", "end"] and list(process.flows) == ["start_a", "a_end"]
    assert process.elements["a"].incoming == ("start_a",) and process.executable
