"""The report inside a sealed file: what it tells beyond the list of events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.entries import Answer
from webapp.i18n import catalogue
from webapp.reports import CaseReport

AT = "2026-11-24T01:00:00.000000+00:00"
PERSON = {"id": "p", "name": "王芳", "post": "人力资源专员", "department": "人力资源部"}
FACTS: Mapping[str, Any] = {
    **{"company": "示例科技有限公司", "zone": "Asia/Shanghai", "product": "Partwell", "sealed_at": AT, "key": "k"},
    **{"subject": PERSON, "initiator": PERSON, "ledger": {"entries": 2, "head": "h"}, "snapshots": []},
    "case": {"number": "1", "outcome": "dismissed", "started_at": AT, "closed_at": AT},
    "events": [
        {
            "number": number,
            "at": AT,
            "event": event,
            "actor": PERSON,
            "element": element,
            "payload": payload,
            "digest": "d",
        }
        for number, (event, element, payload) in enumerate(
            [
                ("work:item:completed", {"id": "talk", "name": "面谈"}, {"values": {"said": "知道了", "signed": ["doc"]}}),
                ("process:element:passed", {"id": "split", "name": "split"}, {}),
            ],
            1,
        )
    ],
    "forms": {"talk": {"id": "talk"}},
    "documents": [{"id": "doc", "name": "签字页.pdf", "created_at": AT}],
    "calls": [
        {"operation": "oa.x", "element": None, "attempts": [{"ended_at": AT, "result": "try_again", "reason": "it cannot be reached"}]}
    ],
    "variables": {"law": {"outcome": "needs_steps", "reason": "缺少考核。"}},
}


def told(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the template is given."""
    given: dict[str, Any] = {}

    class Listening:
        def render(self, template: str, data: Mapping[str, Any], images: Mapping[str, str]) -> bytes:
            given.update(data)
            return b"%PDF"

    def answers(schema: Mapping[str, Any], values: Mapping[str, Any]) -> list[Answer]:
        return [Answer(label="回答", text=values["said"]), Answer(label="签字页", text="", documents=values["signed"])]

    CaseReport(Listening(), catalogue("zh-CN").gettext, lambda portrait: {}, answers)(facts, "<svg/>")
    return given


def test_the_report_tells_what_people_filled_in() -> None:
    """Under the labels of the form, with who and when, files by their names."""
    [filled] = told(FACTS)["filled"]
    assert (filled["person"], filled["element"], filled["at"]) == ("王芳", "面谈", "2026-11-24 09:00:00")
    assert filled["answers"] == [["回答", "知道了"], ["签字页", "签字页.pdf"]]


def test_what_the_system_did_is_not_put_down_to_a_person() -> None:
    """An element passed after somebody's act is the system's; a gateway without a name is called by what it is."""
    person, system = told(FACTS)["events"]
    assert (person["automatic"], system["automatic"], system["element"]) == (False, True, "流程分支")


def test_the_report_tells_the_law_check_and_the_calls_in_words() -> None:
    """No code of the program is left where people read."""
    given = told(FACTS)
    assert given["law"]["outcome_name"] == "尚缺法定步骤"
    [attempt] = given["calls"][0]["attempts"]
    assert (attempt["result"], attempt["reason"]) == ("未应答，已重试", "无法连接")


def test_a_procedure_without_a_law_check_says_nothing_of_one() -> None:
    """Another procedure may use the name for something else."""
    assert told({**FACTS, "variables": {}})["law"] is None
    assert told({**FACTS, "variables": {"law": "x"}})["law"] is None
