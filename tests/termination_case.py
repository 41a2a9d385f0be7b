"""One dismissal without web and database: the shipped diagram, tables, forms and letters, played by its people."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import portrait_rows

from engine.bpmn import expressions
from engine.bpmn.advance import Advance
from engine.bpmn.program import Program
from engine.letters.operations import DraftLetter, RenderLetter
from engine.ports import Call
from forms import FormChecker
from processes.rules import portrait
from webapp.pdf import TypstRenderer

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "processes" / "termination"
FORMS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "forms").glob("*.form"))}
FILES = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in sorted(FOLDER.rglob("*")) if path.is_file()}
OPERATIONS = frozenset(
    (
        *("ehr.employee", "ehr.app_usage", "ehr.training", "ehr.performance"),
        *("portrait.compute", "document.draft", "document.render", "mail.send", "oa.deactivate_account"),
        *("payroll.stop_social_insurance", "payroll.stop_housing_fund", "payroll.request_settlement"),
    )
)
#: 2026-11-24 10:00 in Shanghai
MORNING = dt.datetime(2026, 11, 24, 2, tzinfo=dt.UTC)
DOCUMENT = "0" * 32

ANSWERS: Mapping[str, dict[str, Any]] = {
    "report_filed": {
        "report": {
            "behaviours": ["phone_use", "poor_learning"],
            "occurred_from": "2026-11-10",
            "occurred_to": "2026-11-23",
            "description": "11 月 10 日至 23 日多次在工作时间使用手机；三次培训考核均未及格。",
            "talked_before": "yes",
            "talks": "11 月 16 日谈过，员工表示会努力。",
            "truthful": True,
        }
    },
    "supplement": {"supplement": {"description": "补充三次考核的试卷和主管每周评价。"}},
    "assess": {"assessment": {"decision": "proceed", "reason": "三次考核均未达到录用条件。", "ground": "D39-1"}},
    "plan_improvement": {
        "improvement": {
            "goals": "两周内日均完成 15 单，考核及格。",
            "measures": "每天一小时话术辅导，一对一带教。",
            "mentor": "吴晓彤",
            "starts_on": "2026-11-25",
            "reviewed_on": "2026-12-09",
            "told_employee": True,
        }
    },
    "state_facts": {
        "facts": {
            "contract_type": "fixed_term",
            "contract_start": "2026-10-10",
            "contract_end": "2029-10-09",
            "probation_agreed_months": 3,
            "continuous_service_months": 1,
            "months_to_retirement": 420,
            "decision_delivered": "2026-11-24",
            "planned_end": "2026-11-30",
            "pregnant": "no",
            "work_injury_capacity_loss": "no",
            "suspected_occupational_disease": "no",
            "occupational_hazard_job": "no",
            "protection_checked": True,
            "union_exists": True,
            "hiring_conditions_told": True,
            "probation_assessment": True,
            "evidence_note": "录用条件确认书；三次考核试卷。",
        }
    },
    "see_obstacles": {"obstacles": {"next": "stop", "note": "按法律审查结论终止。"}},
    "take_steps": {
        "legal_steps": {
            "taken": [{"step": "PROBATION_ASSESSMENT", "done_on": "2026-11-23", "evidence": "试用期考核表，员工已签收。"}],
            "facts_changed": "no",
        }
    },
    "edit_plan": {
        "plan": {"text": "辞退沟通方案：" + "先说明事实，再听取意见。" * 6},
        "notice": {
            "facts": "2026-11-11、11-16、11-19 三次培训考核成绩为 58、52、55 分，及格线 60 分。",
            "evidence": "录用条件确认书\n三次考核试卷",
            "rule_clause": "《客服专员录用条件》第二条，2026 年 10 月 10 日告知",
            "reason_explained": "三次考核均未达到录用条件。",
            "payments": "2026 年 11 月工资",
            "pay_date": "2026-11-30",
            "handover_date": "2026-11-30",
            "social_insurance_month": "2026-11",
            "housing_fund_month": "2026-11",
        },
    },
    "approve": {"decision": "approved", "opinion": "同意", "decided_by": "孙志远"},
    "review_law": {"legal": {"decision": "approve"}},
    "record_union_reply": {"union": {"received_on": "2026-11-24", "opinion": "no_objection", "replied_on": "2026-11-24"}},
    "answer_union": {
        "union_answer": {
            "consideration": "逐条研究了工会的意见，核对了考核记录。",
            "answer": "考核标准入职时已告知，维持原意见。",
            "answered_on": "2026-11-24",
        }
    },
    "hold_conversation": {
        "conversation": {
            "started_at": "2026-11-24T10:00:00",
            "ended_at": "2026-11-24T10:40:00",
            "place": "三楼会议室",
            "participants": [{"name": "王芳", "role": "HR"}, {"name": "陈立", "role": "主管"}],
            "recording": "none",
            "explained": "出示考核成绩和应用使用记录。",
            "answers": "我已经很努力了。",
            "position": "partly",
            "read_back": True,
        }
    },
    "give_statement": {"statement": {"position": "partly", "text": "考核题目太难。", "signing": "signed", "signature": "林小北"}},
    "witness_refusal": {
        "refusal": {
            "witnessed_at": "2026-11-25T15:00:00",
            "place": "三楼会议室",
            "circumstances": "当面告知可以书面陈述，员工没有答复后离开。",
            "witness_1": "王芳，HR",
            "witness_2": "陈立，主管",
            "attachments": [DOCUMENT],
        }
    },
    "serve_notice": {"service": {"method": "hand", "served_on": "2026-11-24", "proof": [DOCUMENT]}},
    "confirm_removal": {
        "removal": {
            "social_insurance_receipt": "SB-1",
            "social_insurance_month": "2026-12",
            "housing_fund_receipt": "GJJ-1",
            "housing_fund_month": "2026-12",
            "submitted_on": "2026-11-30",
            "proof": [DOCUMENT],
        }
    },
    "hand_over_work": {
        "handover": {
            "items": [{"item": "在办工单 3 件", "kind": "task", "next_owner": "马骏", "state": "done"}],
            "completed_on": "2026-11-30",
        }
    },
    "return_assets": {"assets": {"items": [{"name": "耳机", "state": "returned"}], "completed_on": "2026-11-30"}},
    "hand_over_certificate": {"certificate": {"handed_on": "2026-11-30", "method": "hand", "rights_told": True}},
}


class Termination:
    """A running case, stored and restored before every step. Operations answer at once; people act when the test says so."""

    def __init__(self, *, locale: str = "zh-CN", employee: Mapping[str, Any] | None = None, now: dt.datetime = MORNING) -> None:
        self.now = now
        self.locale = locale
        self.employee = dict(employee or portrait_rows.employee())
        self.forms = FormChecker(evaluate=lambda text, data: expressions.evaluate(text, data, now=self.now))
        letters = TypstRenderer()
        self._render = RenderLetter(letters, lambda case: FILES, zone="Asia/Shanghai")
        self._draft = DraftLetter(lambda case: FILES)
        #: open user tasks and waiting timers: element -> instance
        self.open: dict[str, str] = {}
        self.timers: dict[str, tuple[str, dt.datetime]] = {}
        #: operations in the order they were asked for: (operation, input)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        #: PDF by kind
        self.pdf: dict[str, bytes] = {}
        #: elements that a person or operation has finished, in order
        self.done: list[str] = []
        self.outcome: str | None = None
        self.program = Program(FILES, version="test")
        report = self._check("report_filed", self.program.start_form or "", {}, {})
        self.execution, advance = self.program.start(
            {
                "subject": {
                    "id": "a" * 32,
                    "name": "林小北",
                    "employee_no": portrait_rows.WHOM,
                    "department": "b" * 32,
                    "department_name": "客服部",
                    "team": portrait_rows.TEAM,
                    "post": "客服专员",
                    "email": "linxiaobei@company.example",
                },
                "initiator": {"id": "c" * 32, "name": "陈立", "email": "chenli@company.example"},
                "case": {"number": "T-2026-0001"},
                **report,
            },
            now=now,
        )
        self._happened(advance)

    def act(self, element: str, **changes: Any) -> None:
        """A person finishes a task with the usual answer; `changes` are fields of its one group, or whole values."""
        self.execution = self.program.restore(self.execution.dump())
        instance = self.open.pop(element)
        form = self.program.elements[element].form
        values = self._check(element, form, changes, self.execution.variables(instance)) if form else {**ANSWERS[element], **changes}
        self.done.append(element)
        self._happened(self.execution.complete(instance, values, now=self.now))

    def until(self, last: str) -> None:
        """Everybody acts in the usual way until `last` is open."""
        while last not in self.open:
            self.act(next(iter(self.open)))

    def wait(self, element: str) -> None:
        """Time passes until the timer of an element is due, and it fires."""
        self.execution = self.program.restore(self.execution.dump())
        instance, due = self.timers.pop(element)
        self.now = max(self.now, due)
        self._happened(self.execution.fire(instance, now=self.now))

    def _check(self, element: str, form: str, changes: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
        usual = ANSWERS[element]
        group = next(iter(usual))
        for locale in ("zh-CN", "en"):
            shown = self.forms.view(FORMS[form], stored, permissions={}, locale=locale)
            assert not [each for each in shown if each.kind == "text" and not each.hidden and not each.text], (element, locale)
        submitted = {**usual, group: {**usual[group], **changes}}
        return self.forms.check(FORMS[form], submitted, stored, permissions={}, locale=self.locale)

    def _happened(self, advance: Advance) -> None:
        assert not advance.stuck, [(stuck.element, stuck.error.message) for stuck in advance.stuck]
        for left in advance.left:
            self.open.pop(left.element, None)
            self.timers.pop(left.element, None)
        self.open.update({opened.element: opened.instance for opened in advance.opened})
        self.timers.update({timer.element: (timer.instance, timer.due) for timer in advance.scheduled})
        self.outcome = advance.outcome or self.outcome
        for asked in advance.requested:
            self.calls.append((asked.operation, dict(asked.input)))
            self.done.append(asked.element)
            value = self._answer(asked.operation, asked.input, asked.headers)
            self._happened(self.execution.answer(asked.instance, value, now=self.now))

    def _answer(self, operation: str, given: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        call = Call(
            operation=operation,
            key="k",
            input=given,
            headers=headers,
            case="T-2026-0001",
            attempt=1,
            now=self.now,
            locale=self.locale,
        )
        match operation:
            case "ehr.employee":
                return self.employee
            case "ehr.app_usage" | "ehr.training" | "ehr.performance":
                return getattr(portrait_rows, operation.removeprefix("ehr."))()
            case "portrait.compute":
                return portrait.compute(**given)
            case "document.draft":
                return self._draft.call(call).value
            case "document.render":
                answer = self._render.call(call)
                self.pdf[answer.files[0].kind] = answer.files[0].content
                return {**answer.value, "document": DOCUMENT}
        return {"reference": f"{operation}-1", "accepted_at": self.now.isoformat()}
