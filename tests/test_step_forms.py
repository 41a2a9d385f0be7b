"""表单字段权限: what each step of a chain shows of a form, what its signers fill in, and what follows from a field that changed."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, mapping, node, user, zeebe
from engine_room import Room, form, person
from test_sign_offs import act, told
from test_standing_steps import rounds, step

from engine import approvals, cases, inbox, originals, work
from engine.chains.faults import faults
from engine.errors import FormInvalid, NotAllowed, NotFound, PartwellError
from engine.ledger import Event
from engine.locking import lock
from engine.models import Document, Draft, new_id
from engine.ports import File, Json
from engine.replay import replay
from engine.services import Services
from engine.turn import Turn

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
FORM = form("x", "y", files=["proof"], numbers=["amount"])


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def begin(room: Room, *steps: dict[str, Json], form: Json = FORM, outputs: dict[str, str] | None = None, **ceiling: str) -> str:
    """A new case at a chained task with a form, of which `x` is filled in; `ceiling`: what the diagram says of its fields."""
    fields = [zeebe("property", name=f"wf.field.{name}", value=level) for name, level in ceiling.items()]
    chained = zeebe("properties", zeebe("property", name="wf.chain", value="c"), *fields)
    inside = [zeebe("formDefinition", formId="f"), chained, *([mapping(outputs=outputs)] if outputs else [])]
    room.deploy(
        START,
        user("a", zeebe("formDefinition", formId="f")),
        node("userTask", "sign", *inside),
        user("after"),
        END,
        flows("start > a", "a > sign", "sign > after", "after > end"),
        forms={"f": form},
        chains={"c": {"name": "审批", "name_en": "Chain", "steps": list(steps)}},
        rules={"readers": ["admin"]},
    )
    case = room.start()
    room.complete(case, "a", x="原", y="密", amount=5)
    return case


def approve(room: Room, case: str, by: str, **values: Json) -> None:
    act(room, case, work.approve, by, opinion="同意", values=values)


def page(room: Room, case: str, reader: str) -> inbox.ItemPage:
    return inbox.item_page(room.services, room.item(case, "sign"), reader=person(reader))


def access(shown: inbox.ItemPage) -> str:
    return " ".join(f"{name}:{level}" for name, level in sorted(shown.permissions.items()))


def test_fields_of_a_step(room: Room) -> None:
    """表单字段权限 (fields): a step opens what it names, hides what it hides, and the rest can only be read; the next step has its own."""
    case = begin(room, step("a", "hr", fields={"x": "editable", "y": "hidden"}), step("b", "head", fields={"amount": "required"}))
    shown = page(room, case, "hr")
    assert access(shown) == "amount:readonly proof:readonly x:editable y:hidden" and {"approve", "save"} <= shown.may
    assert shown.variables["x"] == "原" and "y" not in shown.variables
    for wrong in ({"y": "改"}, {"amount": 6}, {"unknown": 1}, {"subject": {"id": "x"}}):
        with pytest.raises(FormInvalid) as caught:
            approve(room, case, "hr", **wrong)
        assert caught.value.fields.keys() == wrong.keys()
    assert room.open(case) == "sign" and told(room, case) == "open: hr:open"
    approve(room, case, "hr", x="改")
    assert room.variables(case)["x"] == "改"
    with pytest.raises(FormInvalid):
        approve(room, case, "head")
    approve(room, case, "head", amount=9)
    assert {"x": "改", "y": "密", "amount": 9}.items() <= room.variables(case).items() and room.open(case) == "after"
    assert replay(room.services, room.case(case).number).same


def test_the_diagram_is_the_ceiling(room: Room) -> None:
    """表单字段权限: what the diagram hides or closes no step opens; what it demands is demanded where a step opens it."""
    opened = step("a", "hr", fields={"x": "editable", "y": "editable", "amount": "editable"})
    case = begin(room, opened, x="readonly", y="hidden", amount="required")
    assert access(page(room, case, "hr")) == "amount:required proof:readonly x:readonly y:hidden"
    with pytest.raises(FormInvalid) as caught:
        approve(room, case, "hr", x="改", y="改")
    assert caught.value.fields.keys() == {"x", "y", "amount"}


def test_a_hidden_field_leaves_nowhere(room: Room) -> None:
    """表单字段权限: who signs a step sees nothing of what it hides, neither now nor in what was filled in before, nor a file of it."""
    first = step("a", "hr", fields={"y": "required", "proof": "required", "x": "required"})
    case = begin(room, first, step("b", "head", fields={"y": "hidden", "proof": "hidden"}))
    item = room.item(case, "sign")
    file = File(kind="proof", name="证.png", media_type="", content=PNG)
    stored = work.attach(room.services, item, actor=person("hr"), files={"proof": [file]})
    approve(room, case, "hr", x="公开", y="绝密", **stored)
    shown = page(room, case, "head")
    assert shown.variables == {"x": "公开", "amount": 5}
    [signed] = [one for one in shown.steps if one.state == "approved"]
    assert signed.values == {"x": "公开"}
    [approval] = approvals.approvals(room.services, case, reader=person("head"))
    assert approval.steps[0].values == {"x": "公开"}
    assert "绝密" not in str(shown.timeline) and shown.documents == []
    with pytest.raises(NotAllowed):
        originals.read_document(room.services, stored["proof"][0], reader=person("head"))
    assert originals.read_document(room.services, stored["proof"][0], reader=person("admin")).name == "证.png"
    [whole] = approvals.approvals(room.services, case, reader=person("admin"))
    assert whole.steps[0].values == {"x": "公开", "y": "绝密", **stored}


def test_a_copy_shows_what_its_sender_sees(room: Room) -> None:
    """抄送 (copy): its holder finds the form as the step shows it from which it was sent, to be read only."""
    told = [{"rule": "person", "persons": [person("hr2")]}]
    first = step("a", "hr", fields={"x": "hidden", "y": "required"}, copies=told)
    case = begin(room, first, step("b", "head", fields={"y": "hidden"}))
    approve(room, case, "hr", y="绝密")
    work.copy(room.services, room.item(case, "sign"), persons=[person("worker")], actor=person("head"), request_id=new_id())
    assert page(room, case, "worker").variables == {"x": "原", "amount": 5, "proof": []}
    assert page(room, case, "hr2").variables == {"y": "绝密", "amount": 5, "proof": []}
    for holder in ("worker", "hr2"):
        shown = page(room, case, holder)
        assert not shown.may & {"save", "approve"} and set(shown.permissions.values()) == {"hidden", "readonly"}


def test_a_shown_file_can_be_opened_by_who_signs(room: Room) -> None:
    """What a step shows its signers they can open, too, by what they typed; nobody else can."""
    hiding = {**FORM, "components": [dict(one) for one in FORM["components"]]}
    [proof] = [one for one in hiding["components"] if one.get("key") == "proof"]
    proof["conditional"] = {"hide": '=x = "收起"'}
    steps = [step("a", "hr", fields={"proof": "editable"}), *(step(by, by, fields={"x": "editable"}) for by in ("head", "director"))]
    case = begin(room, *steps, form=hiding)
    file = File(kind="proof", name="证.png", media_type="", content=PNG)
    stored = work.attach(room.services, room.item(case, "sign"), actor=person("hr"), files={"proof": [file]})
    approve(room, case, "hr", **stored)
    assert originals.read_document(room.services, stored["proof"][0], reader=person("head")).name == "证.png"
    with pytest.raises(NotAllowed):
        originals.read_document(room.services, stored["proof"][0], reader=person("director"))
    approve(room, case, "head", x="收起")
    with pytest.raises(NotAllowed):
        originals.read_document(room.services, stored["proof"][0], reader=person("director"))
    work.save_draft(room.services, room.item(case, "sign"), actor=person("director"), values={"x": "展开"})
    assert originals.read_document(room.services, stored["proof"][0], reader=person("director")).name == "证.png"


def test_documents_of_another_case_are_refused(room: Room) -> None:
    """A step's field names no file of another case, nor one that does not exist."""
    case = begin(room, step("a", "hr", fields={"proof": "editable"}))
    with pytest.raises(NotFound):
        approve(room, case, "hr", proof=["0" * 32])
    assert room.open(case) == "sign"


def test_approve_with_values_is_told(room: Room) -> None:
    """同意 (approve): form values stand in the ledger, with the sign-off, and once only however often the request comes."""
    case = begin(room, step("a", "hr", fields={"x": "required"}), step("b", "head"))
    item, request_id = room.item(case, "sign"), new_id()
    for _ in range(2):
        work.approve(room.services, item, actor=person("hr"), opinion="同意", values={"x": "改"}, request_id=request_id)
    [entry] = [entry for entry in room.entries(case) if entry.event == "work:step:approved"]
    assert entry.payload["values"] == {"x": "改"} and (entry.payload["act"], entry.payload["step"]) == ("fill", "a")
    [signed] = [one for one in page(room, case, "admin").steps if one.state == "approved"]
    assert signed.values == {"x": "改"}
    with pytest.raises(NotAllowed):
        work.approve(room.services, item, actor=person("hr"), values={"x": "再改"}, request_id=new_id())
    assert room.variables(case)["x"] == "改"


def test_reject_and_return_need_no_values(room: Room) -> None:
    """驳回 (reject) and 退回 (return): a required field is for an approval; neither is kept from sending the work away without it."""
    case = begin(room, step("a", "hr"), step("b", "head", fields={"x": "required"}))
    room.approve(case, "sign", by="hr")
    act(room, case, work.return_, "head", reason="补充", to_step="a")
    room.approve(case, "sign", by="hr")
    act(room, case, work.reject, "head", opinion="不同意")
    assert room.variables(case)["x"] == "原"


def test_everything_that_is_wrong_is_told_at_once(room: Room) -> None:
    """A missing opinion and a missing field are named together."""
    case = begin(room, step("a", "hr", opinion="always", fields={"x": "required"}))
    with pytest.raises(FormInvalid) as caught:
        act(room, case, work.approve, "hr")
    assert caught.value.fields.keys() == {"opinion", "x"}


def test_only_whose_turn_it_is_fills_in(room: Room) -> None:
    """Neither who is yet to sign, nor who only gives an opinion, nor who signed, nor a reader, nor the subject fills in anything."""
    case = begin(room, step("a", "hr", fields={"x": "editable"}), step("b", "head", fields={"x": "editable"}))
    item = room.item(case, "sign")
    for who in ("head", "admin", "subject", "director"):
        for verb, given in ((work.save_draft, {"values": {"x": "1"}}), (work.attach, {"files": {}})):
            with pytest.raises(NotAllowed):
                verb(room.services, item, actor=person(who), **given)
    act(room, case, work.delegate, "hr", to=person("director"), reason="请看")
    asked = page(room, case, "director")
    assert "save" not in asked.may and access(asked) == "amount:readonly proof:readonly x:readonly y:readonly"
    with pytest.raises(NotAllowed):
        work.save_draft(room.services, item, actor=person("director"), values={"x": "1"})
    act(room, case, work.resolve, "director", opinion="可以")
    approve(room, case, "hr", x="一")
    assert "save" not in page(room, case, "hr").may


def test_draft_of_a_step(room: Room) -> None:
    """暂存待审 (draft): for the person alone, over what the case knows, without a ledger entry; gone once they have decided."""
    both = {"persons": [person("hr"), person("head")], "rule": "person"}
    case = begin(room, {**step("a", "hr", fields={"x": "editable"}), "mode": "all", "approvers": [both]})
    item, entries = room.item(case, "sign"), len(room.entries(case))
    for who in ("hr", "head"):
        work.save_draft(room.services, item, actor=person(who), values={"x": f"草稿 {who}"})
    assert page(room, case, "hr").draft.values == {"x": "草稿 hr"} and page(room, case, "admin").draft is None
    assert len(room.entries(case)) == entries
    approve(room, case, "hr", x="定稿")
    assert room.values(sa.select(Draft.person_id)) == [person("head")]
    assert page(room, case, "hr").values["x"] == "定稿" and page(room, case, "head").draft.values == {"x": "草稿 head"}
    approve(room, case, "head")
    assert room.count(Draft) == 0 and room.variables(case)["x"] == "定稿"


def test_signers_of_one_step_write_one_after_another(room: Room) -> None:
    """会签 (countersign) with an editable field: the last one counts, and what each wrote stands with their own sign-off."""
    both = {"persons": [person("hr"), person("head")], "rule": "person"}
    case = begin(room, {**step("a", "hr", fields={"amount": "editable"}), "mode": "all", "approvers": [both]})
    approve(room, case, "hr", amount=6)
    approve(room, case, "head", amount=7)
    assert room.variables(case)["amount"] == 7
    [approval] = approvals.approvals(room.services, case, reader=person("admin"))
    assert [(one.people, one.values) for one in approval.steps] == [(["王芳"], {"amount": 6}), (["赵敏"], {"amount": 7})]


def test_with_an_output_mapping_the_fields_stay_inside_until_the_item_is_done(room: Room) -> None:
    """As with `complete`, what no output names never gets into the case; the steps of the item see it meanwhile."""
    later = step("b", "head", when="amount > 7")
    case = begin(room, step("a", "hr", fields={"amount": "editable"}), later, outputs={"agreed": "=amount", "verdict": "=decision"})
    approve(room, case, "hr", amount=8)
    assert room.variables(case)["amount"] == 5 and room.open(case) == "sign"
    assert page(room, case, "head").values["amount"] == 8
    approve(room, case, "head")
    assert {"amount": 5, "agreed": 8, "verdict": "approved"}.items() <= room.variables(case).items()
    assert replay(room.services, room.case(case).number).same


def test_what_was_filled_in_decides_which_step_follows(room: Room) -> None:
    """The condition of a later step sees it."""
    case = begin(room, step("a", "hr", fields={"amount": "editable"}), step("b", "head", when="amount > 7"))
    approve(room, case, "hr", amount=7)
    assert room.open(case) == "after"


def test_withdrawing_leaves_what_was_filled_in(room: Room) -> None:
    """撤回 (withdraw): the sign-off is withdrawn and keeps its values to be read; the field is open again, holding the last value."""
    case = begin(room, step("a", "hr", fields={"x": "editable"}), step("b", "head"))
    approve(room, case, "hr", x="改")
    act(room, case, work.withdraw, "hr", reason="看错了")
    shown = page(room, case, "hr")
    assert shown.values["x"] == "改" and "save" in shown.may
    assert [(one.state, dict(one.values)) for one in shown.steps if one.sign_off][:2] == [("withdrawn", {"x": "改"}), ("open", {})]


# --- the same person twice


def twice(room: Room, policy: str, *between: dict[str, Json], **last: Any) -> str:
    return begin(room, step("a", "hr"), *between, step("z", "hr", twice=policy, **last))


def test_the_same_person_signs_again_where_a_field_was_changed(room: Room) -> None:
    """同一人重复 (twice): once means once, unless something that the later step shows was changed since; the trace tells."""
    case = twice(room, "once", step("b", "head", fields={"amount": "editable"}))
    approve(room, case, "hr")
    approve(room, case, "head", amount=6)
    assert rounds(room, case) == ["a approved", "b approved", "z open"]
    trace = page(room, case, "hr").steps[-1].trace
    assert [(one["id"], one["fields"]) for one in trace["changed"]] == [(person("hr"), ["amount"])]


def test_the_same_person_is_not_asked_where_nothing_changed(room: Room) -> None:
    """同一人重复: a field that could have been changed and was not."""
    case = twice(room, "once", step("b", "head", fields={"amount": "editable"}))
    assert [one.expected for one in page(room, case, "hr").steps] == [None, "signs", "skipped"]
    approve(room, case, "hr")
    approve(room, case, "head")
    assert rounds(room, case) == ["a approved", "b approved", "z skipped"]


def test_the_same_person_is_not_asked_where_the_later_step_hides_what_changed(room: Room) -> None:
    """同一人重复: what they would not see is no reason to ask again."""
    case = twice(room, "once", step("b", "head", fields={"amount": "editable"}), fields={"amount": "hidden"})
    approve(room, case, "hr")
    approve(room, case, "head", amount=6)
    assert rounds(room, case) == ["a approved", "b approved", "z skipped"]


def test_a_peer_who_changes_a_field_has_the_others_asked_again(room: Room) -> None:
    """同一人重复, adjacent: of two who signed the step before, the one whose values were overwritten signs the next."""
    both = {"persons": [person("hr"), person("head")], "rule": "person"}
    first = {**step("a", "hr", fields={"amount": "editable"}), "mode": "all", "approvers": [both]}
    case = begin(room, first, {**step("b", "hr"), "mode": "all", "approvers": [both]})
    approve(room, case, "hr", amount=6)
    approve(room, case, "head", amount=7)
    assert told(room, case) == "approved: hr:approved head:approved | open: hr:open"


@pytest.mark.parametrize("wanted", [{"opinion": "always"}, {"fields": {"x": "required"}}])
def test_a_step_that_wants_something_of_its_own_is_signed_again(room: Room, wanted: dict[str, Json]) -> None:
    """同一人重复: never skipped where the step requires its own opinion or field."""
    case = twice(room, "once", **wanted)
    approve(room, case, "hr")
    assert rounds(room, case) == ["a approved", "z open"]


def test_the_forecast_knows_what_changed(room: Room) -> None:
    """审批人预测 (forecast): who signed under other values is expected to sign again."""
    case = twice(room, "once", step("b", "head", fields={"amount": "editable"}))
    approve(room, case, "hr")
    with room.services.database.unit() as unit:
        turn = Turn(room.services, unit, lock(unit, case_id=case), actor=None)
        turn.act(Event.INCIDENT_RESOLVED, "set_variables", element=None, values={"amount": 7})
        turn.commit()
    assert page(room, case, "admin").steps[-1].expected == "signs"


# --- after a return


def returned(room: Room, middle: dict[str, Json], **chosen: str) -> str:
    """Sent back by the third signer to the first, who fills in `amount`."""
    case = begin(room, step("a", "hr", fields={"amount": "editable"}), middle, step("c", "director", resubmit="choose"))
    approve(room, case, "hr", amount=6)
    approve(room, case, "head")
    assert list(page(room, case, "director").resubmit) == ["onward", "back"]
    act(room, case, work.return_, "director", reason="补充", to_step="a", **chosen)
    return case


def test_resubmit_is_chosen_by_who_returns(room: Room) -> None:
    """重新提交后走向 (after resubmission), chosen: straight back keeps what was signed between; onward, or no choice, asks all again."""
    case = returned(room, step("b", "head"), resubmit="back")
    approve(room, case, "hr", amount=6)
    assert rounds(room, case)[-3:] == ["b skipped", "c returned", "c open"]
    for chosen in ({"resubmit": "onward"}, {}):
        case = returned(room, step("b", "head"), **chosen)
        approve(room, case, "hr")
        assert rounds(room, case)[-3:] == ["b approved", "b open", "c returned"]


def test_back_falls_to_onward_where_a_signed_field_was_changed(room: Room) -> None:
    """重新提交后走向: a field that a step between signed was changed, so it signs again, and the ledger names the field."""
    case = returned(room, step("b", "head"), resubmit="back")
    approve(room, case, "hr", amount=7)
    assert rounds(room, case)[-3:] == ["b approved", "b open", "c returned"]
    [entry] = [entry for entry in room.entries(case) if entry.event == "work:step:resubmitted"]
    assert entry.payload["changed"] == ["amount"]


def test_back_goes_back_where_the_changed_field_was_hidden_from_them(room: Room) -> None:
    """重新提交后走向: what a step between never saw it never signed."""
    case = returned(room, step("b", "head", fields={"amount": "hidden"}), resubmit="back")
    approve(room, case, "hr", amount=7)
    assert rounds(room, case)[-3:] == ["b skipped", "c returned", "c open"]


def test_a_choice_that_the_step_does_not_leave_is_refused(room: Room) -> None:
    """Neither another way than the chain's, nor straight back from an earlier work item, nor nonsense; nothing happens."""
    case = begin(room, step("a", "hr"), step("b", "head", resubmit="onward"))
    approve(room, case, "hr")
    assert list(page(room, case, "head").resubmit) == []
    for given in ({"to_step": "a", "resubmit": "back"}, {"to_step": "a", "resubmit": "?"}, {"to_element": "a", "resubmit": "back"}):
        with pytest.raises(FormInvalid) as caught:
            act(room, case, work.return_, "head", reason="补充", **given)
        assert caught.value.fields.keys() == {"resubmit"}
    assert told(room, case) == "approved: hr:approved | open: head:open"


# --- what cannot be asked of a step


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"fields": {"opinion": "editable"}}, "fields.opinion"),
        ({"fields": {"subject": "required"}}, "fields.subject"),
        ({"fields": {"x": "required"}, "nobody": {"do": "skip"}}, "nobody.do"),
        ({"fields": {"x": "required"}, "limit_days": 1, "on_due": {"do": "approve"}}, "on_due.do"),
        ({"fields": {"x": "seen"}}, "fields.x"),
    ],
)
def test_what_no_step_can_ask(given: dict[str, Json], field: str) -> None:
    """A value that the case itself gives, and a required field in a step that passes by itself, are named before a chain is published."""
    found = faults("链", "Chain", [step("a", "hr", **given)])
    assert [fault.field for fault in found] == [field]


def test_a_suspended_case_takes_nothing(room: Room) -> None:
    """Out of time is an answer, and nothing is stored."""
    case = begin(room, step("a", "hr", fields={"x": "editable"}))
    item = room.item(case, "sign")
    room.manage(cases.suspend, case)
    for verb, given in (
        (work.approve, {"values": {"x": "1"}, "request_id": new_id()}),
        (work.save_draft, {"values": {"x": "1"}}),
        (work.attach, {"files": {}}),
    ):
        with pytest.raises(PartwellError) as caught:
            verb(room.services, item, actor=person("hr"), **given)
        assert caught.value.status == 409, verb
    assert room.count(Draft) == room.count(Document) == 0
