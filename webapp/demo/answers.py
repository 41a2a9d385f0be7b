"""What the people of the demo answer at each step of the shipped procedure, by the element of the diagram they are asked at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]

#: employee number of the person concerned, and logins of who reports them and of who follows the case
SUBJECT, SUPERVISOR, READER = "KF-017", "chenli", "wangfang"
#: who signs the steps of the approval chain, by name
SIGNERS: Mapping[str, str] = {"赵敏华": "zhaominhua", "孙志远": "sunzhiyuan"}


@dataclass(frozen=True)
class Answer:
    """Who answers, and with what, given the values that the form shows already and the day; `files` are the paths of file fields."""

    login: str
    values: Callable[[Values, dt.date], Values]
    files: Sequence[str] = ()


def report(today: dt.date) -> Values:
    """The supervisor's report."""
    return {
        "report": {
            "behaviours": ["phone_use", "poor_learning"],
            "occurred_from": (today - dt.timedelta(days=14)).isoformat(),
            "occurred_to": today.isoformat(),
            "description": "上班时间频繁使用手机社交应用，三次客服技能培训考核均未及格，日均处理工单约为同组同事的一半。",
            "talked_before": "yes",
            "talks": "本月已两次面谈提醒，均有书面记录。",
            "truthful": True,
        }
    }


def _assessment(_: Values, today: dt.date) -> Values:
    reason = "数据与主管反映一致，试用期内不符合已告知的录用条件，拟依据第三十九条第一项处理。"
    return {"assessment": {"decision": "proceed", "reason": reason, "ground": "D39-1"}}


#: what the form on the law's facts holds
_FACTS = frozenset(
    {
        *("contract_type", "contract_start", "contract_end", "probation_agreed_months", "probation_assessment"),
        *("continuous_service_months", "months_to_retirement", "decision_delivered", "planned_end", "hiring_conditions_told"),
        *("pregnant", "maternity_leave_until", "breastfeeding_until", "medical_period_end", "work_injury_capacity_loss"),
        *("suspected_occupational_disease", "occupational_hazard_job", "union_officer_until", "union_exists"),
        *("protection_checked", "evidence_note"),
    }
)


def _facts(stored: Values, today: dt.date) -> Values:
    """What the EHR knows is prefilled; HR adds the dates and what only people know."""
    known = {name: value for name, value in (stored.get("facts") or {}).items() if value is not None}
    day = today.isoformat()
    facts = {
        "pregnant": "no",
        "work_injury_capacity_loss": "no",
        "suspected_occupational_disease": "no",
        **known,
        "decision_delivered": day,
        "planned_end": day,
        "occupational_hazard_job": "no",
        "protection_checked": True,
        "hiring_conditions_told": True,
        "probation_assessment": True,
        "union_exists": True,
        "evidence_note": "录用条件确认书、三次考核成绩单、试用期考核表均已归档。",
    }
    return {"facts": {name: value for name, value in facts.items() if name in _FACTS}}


def _plan(stored: Values, today: dt.date) -> Values:
    notice = stored.get("notice") or {}
    return {
        "plan": {"text": stored["plan"]["text"]},
        "notice": {
            "facts": notice["facts"],
            "evidence": notice.get("evidence") or "社交应用使用记录、培训考核成绩、绩效记录（系统数据快照）",
            "rule_clause": "《录用条件确认书》第二条、第三条",
            "reason_explained": notice.get("reason_explained") or "试用期内被证明不符合录用条件。",
            "payments": "工资结算至解除日，无经济补偿。",
            "pay_date": today.isoformat(),
            "handover_date": today.isoformat(),
            "social_insurance_month": f"{today:%Y-%m}",
            "housing_fund_month": f"{today:%Y-%m}",
        },
    }


def _review(_: Values, today: dt.date) -> Values:
    return {"legal": {"decision": "approve", "comment": "事实清楚，依据充分，程序合法，同意。"}}


def _union_reply(_: Values, today: dt.date) -> Values:
    return {"union": {"received_on": today.isoformat(), "opinion": "no_objection", "replied_on": today.isoformat()}}


def _conversation(_: Values, today: dt.date) -> Values:
    day = today.isoformat()
    return {
        "conversation": {
            "started_at": f"{day}T09:30:00",
            "ended_at": f"{day}T10:10:00",
            "place": "三楼小会议室",
            "participants": [{"name": "王芳", "role": "HR 专员"}, {"name": "陈立", "role": "主管"}, {"name": "林小北", "role": "员工本人"}],
            "recording": "told",
            "explained": "说明了试用期考核结果、录用条件和依据的数据，以及解除日期、结算和申诉途径。",
            "answers": "承认上班时间使用手机较多，认为培训内容偏难，对结果无异议。",
            "position": "accepts",
            "settlement_negotiation": False,
            "read_back": True,
        }
    }


def _statement(_: Values, today: dt.date) -> Values:
    return {"statement": {"position": "accepts", "text": "已了解，无异议。", "signing": "signed", "signature": "林小北"}}


def _service(_: Values, today: dt.date) -> Values:
    return {"service": {"method": "hand", "served_on": today.isoformat()}}


def _removal(_: Values, today: dt.date) -> Values:
    month = f"{today.replace(day=1) + dt.timedelta(days=31):%Y-%m}"  # paid for this month, stopped from the next
    return {
        "removal": {
            "social_insurance_receipt": "SB-20260001",
            "social_insurance_month": month,
            "housing_fund_receipt": "GJJ-20260001",
            "housing_fund_month": month,
            "submitted_on": today.isoformat(),
        }
    }


def _handover(_: Values, today: dt.date) -> Values:
    item = {"item": "未结工单 12 件", "kind": "task", "next_owner": "客服一组", "state": "done"}
    return {"handover": {"items": [item], "completed_on": today.isoformat()}}


def _assets(_: Values, today: dt.date) -> Values:
    items = [{"asset_no": "PC-0117", "name": "笔记本电脑", "state": "returned"}, {"name": "工牌", "state": "returned"}]
    return {"assets": {"items": items, "own_goods_returned": True, "data_wiped": True, "completed_on": today.isoformat()}}


def _certificate(_: Values, today: dt.date) -> Values:
    return {"certificate": {"handed_on": today.isoformat(), "method": "hand", "rights_told": True}}


ANSWERS: Mapping[str, Answer] = {
    "assess": Answer("wangfang", _assessment),
    "state_facts": Answer("wangfang", _facts),
    "edit_plan": Answer("wangfang", _plan),
    "review_law": Answer("zhengwenbo", _review),
    "record_union_reply": Answer("hexiulan", _union_reply),
    "hold_conversation": Answer("wangfang", _conversation),
    "give_statement": Answer("linxiaobei", _statement),
    "serve_notice": Answer("wangfang", _service, ("service.proof",)),
    "confirm_removal": Answer("liuhai", _removal, ("removal.proof",)),
    "hand_over_work": Answer("chenli", _handover),
    "return_assets": Answer("liuhai", _assets),
    "hand_over_certificate": Answer("wangfang", _certificate),
}
