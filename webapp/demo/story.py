"""`partwell demo`: the whole dismissal, played by its people through the HTTP interface of real processes.

A temporary home, the sample company and `partwell up` as processes of their own; nothing is reached but by HTTP. What each
person answers stands in `ANSWERS`, by the element of the diagram they are asked at.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import requests

from engine import bundle

from .seed import PASSWORD

SUBJECT, SUPERVISOR = "KF-017", "chenli"
READER = "wangfang"
#: seconds within which the whole story must be over
PATIENCE = 300
_ROOT = Path(__file__).parents[2]
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)

Values = dict[str, Any]


def _today() -> dt.date:
    return dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()


def _report() -> Values:
    today = _today()
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


def _assess(_: Values) -> Values:
    reason = "数据与主管反映一致，试用期内不符合已告知的录用条件，拟依据第三十九条第一项处理。"
    return {"assessment": {"decision": "proceed", "reason": reason, "ground": "D39-1"}}


def _facts(stored: Values) -> Values:
    """What the EHR knows is prefilled; HR adds the dates and what only people know."""
    known = {name: value for name, value in (stored.get("facts") or {}).items() if value is not None}
    today = _today().isoformat()
    facts = {
        **known,
        "decision_delivered": today,
        "planned_end": today,
        "pregnant": known.get("pregnant", "no"),
        "work_injury_capacity_loss": known.get("work_injury_capacity_loss", "no"),
        "suspected_occupational_disease": known.get("suspected_occupational_disease", "no"),
        "occupational_hazard_job": "no",
        "protection_checked": True,
        "hiring_conditions_told": True,
        "probation_assessment": True,
        "union_exists": True,
        "evidence_note": "录用条件确认书、三次考核成绩单、试用期考核表均已归档。",
    }
    return {"facts": {name: facts[name] for name in _FACTS if name in facts}}


_FACTS = (
    "contract_type contract_start contract_end probation_agreed_months continuous_service_months months_to_retirement "
    "decision_delivered planned_end pregnant maternity_leave_until breastfeeding_until medical_period_end work_injury_capacity_loss "
    "suspected_occupational_disease occupational_hazard_job union_officer_until protection_checked hiring_conditions_told "
    "probation_assessment union_exists evidence_note"
).split()


def _plan(stored: Values) -> Values:
    notice, today = stored.get("notice") or {}, _today()
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


def _conversation(_: Values) -> Values:
    day = _today().isoformat()
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


#: element → who answers it and with what, given the values the form already shows; files by field path
ANSWERS: Mapping[str, tuple[str, Callable[[Values], Values], tuple[str, ...]]] = {
    "assess": ("wangfang", _assess, ()),
    "state_facts": ("wangfang", _facts, ()),
    "edit_plan": ("wangfang", _plan, ()),
    "review_law": ("zhengwenbo", lambda _: {"legal": {"decision": "approve", "comment": "事实清楚，依据充分，程序合法，同意。"}}, ()),
    "record_union_reply": (
        "hexiulan",
        lambda _: {"union": {"received_on": _today().isoformat(), "opinion": "no_objection", "replied_on": _today().isoformat()}},
        (),
    ),
    "hold_conversation": ("wangfang", _conversation, ()),
    "give_statement": (
        "linxiaobei",
        lambda _: {"statement": {"position": "accepts", "text": "已了解，无异议。", "signing": "signed", "signature": "林小北"}},
        (),
    ),
    "serve_notice": ("wangfang", lambda _: {"service": {"method": "hand", "served_on": _today().isoformat()}}, ("service.proof",)),
    "confirm_removal": (
        "liuhai",
        lambda _: {
            "removal": {
                "social_insurance_receipt": "SB-20260001",
                "social_insurance_month": f"{_today():%Y-%m}",
                "housing_fund_receipt": "GJJ-20260001",
                "housing_fund_month": f"{_today():%Y-%m}",
                "submitted_on": _today().isoformat(),
            }
        },
        ("removal.proof",),
    ),
    "hand_over_work": (
        "chenli",
        lambda _: {
            "handover": {
                "items": [{"item": "未结工单 12 件", "kind": "task", "next_owner": "客服一组", "state": "done"}],
                "completed_on": _today().isoformat(),
            }
        },
        (),
    ),
    "return_assets": (
        "liuhai",
        lambda _: {
            "assets": {
                "items": [{"asset_no": "PC-0117", "name": "笔记本电脑", "state": "returned"}, {"name": "工牌", "state": "returned"}],
                "own_goods_returned": True,
                "data_wiped": True,
                "completed_on": _today().isoformat(),
            }
        },
        (),
    ),
    "hand_over_certificate": (
        "wangfang",
        lambda _: {"certificate": {"handed_on": _today().isoformat(), "method": "hand", "rights_told": True}},
        (),
    ),
}
#: who signs the steps of the approval chain
SIGNERS = {"赵敏华": "zhaominhua", "孙志远": "sunzhiyuan"}


class Stalled(Exception):
    """The story did not go on."""


class Person:
    """Somebody at the HTTP interface."""

    def __init__(self, address: str, login: str) -> None:
        self._address = f"{address}/api/v1"
        self._session = requests.Session()
        token = self.ask("POST", "/session", {"login": login, "password": PASSWORD})["token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send, and send again with the same request id while the server is away."""
        headers = {"Request-Id": secrets.token_hex(16)}
        for _ in range(60):
            try:
                answer = self._session.request(method, self._address + path, json=body, headers=headers, timeout=30, **options)
            except requests.ConnectionError:
                time.sleep(0.5)
                continue
            if answer.status_code >= 400:
                raise Stalled(f"{method} {path}: {answer.status_code} {answer.text}")
            kind = answer.headers.get("Content-Type", "")
            return answer.json() if kind.startswith("application/json") else answer.content
        raise Stalled(f"{method} {path}: nobody answers")


def play(*, outside_fails: bool, kill_worker: bool, say: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Play the story; gives what `partwell demo --json` prints. Raises Stalled."""
    say = say or (lambda line: None)
    with tempfile.TemporaryDirectory(prefix="partwell-demo-") as folder, _company(Path(folder) / "company") as company:
        home = Path(folder) / "home"
        home.mkdir()
        port = _free_port()
        (home / "partwell.toml").write_text(_configuration(company, port), "utf-8")
        if outside_fails:
            plan = {"operation": "*", "plan": ["500", "after_effect"]}
            requests.post(f"{company['http']}/admin/faults", json=plan, timeout=10).raise_for_status()
        with _partwell(home) as processes:
            return _Telling(f"http://127.0.0.1:{port}", company, processes, say).tell(kill_worker)


class _Telling:
    def __init__(self, address: str, company: Mapping[str, Any], partwell: "_Partwell", say: Callable[[str], None]) -> None:
        self._company = company
        self._partwell = partwell
        self._address = address
        self._say = say
        self._people: dict[str, Person] = {}

    def _person(self, login: str) -> Person:
        if login not in self._people:
            self._people[login] = Person(self._address, login)
        return self._people[login]

    def tell(self, kill_worker: bool) -> dict[str, Any]:
        supervisor = self._person(SUPERVISOR)
        [subject] = [one for one in supervisor.ask("GET", f"/employees?search={SUBJECT}")["employees"] if one["employee_no"] == SUBJECT]
        body = {"procedure": "termination", "subject": subject["id"], "values": _report()}
        case_id = supervisor.ask("POST", "/cases", body)["case_id"]
        if kill_worker:
            time.sleep(0.3)  # the reads are under way
            self._kill("while the data were being fetched")
        killed_late = not kill_worker
        until = time.monotonic() + PATIENCE
        reader = self._person(READER)
        while True:
            case = reader.ask("GET", f"/cases/{case_id}")
            if case["status"] == "closed" and case["sealed"]:
                break
            if [one for one in case["incidents"] if not one["resolved_at"]]:
                raise Stalled(f"an incident: {case['incidents']}")
            acted = False
            for step in case["open"]:
                acted = True
                self._act(step)
                if step["element"] == "serve_notice" and not killed_late:
                    killed_late = True
                    self._kill("while the pushes were under way")
            if time.monotonic() > until:
                raise Stalled(f"case {case['number']} waits for {[step['name'] for step in case['open']] or 'an operation'}")
            if not acted:
                time.sleep(0.2)
        return self._summary(case, reader.ask("GET", f"/cases/{case_id}/sealed"))

    def _act(self, step: Mapping[str, Any]) -> None:
        item, element = step["item_id"], step["element"]
        if element == "approve":
            login = next(SIGNERS[name] for name in step["holders"] if name in SIGNERS)
            self._person(login).ask("POST", f"/items/{item}/approve", {"opinion": "同意。"})
        else:
            if element not in ANSWERS:
                raise Stalled(f"nobody knows what to answer at {element} ({step['name']})")
            login, answer, files = ANSWERS[element]
            person = self._person(login)
            values = answer(person.ask("GET", f"/items/{item}")["values"])
            for path in files:
                *groups, key = path.split(".")
                place = values
                for group in groups:
                    place = place[group]
                place[key] = self._upload(person, item, path)
            person.ask("POST", f"/items/{item}/complete", {"values": values})
        self._say(f"{dt.datetime.now():%H:%M:%S}  {step['name']}  {login}")

    @staticmethod
    def _upload(person: Person, item: str, path: str) -> list[str]:
        sent = person.ask("POST", f"/items/{item}/documents", files={path: ("proof.png", _PNG, "image/png")})
        return list(sent["documents"][path])

    def _kill(self, when: str) -> None:
        self._partwell.kill()
        self._say(f"{dt.datetime.now():%H:%M:%S}  -9 {when}; starting again")
        self._partwell.start()

    def _summary(self, case: Mapping[str, Any], sealed: bytes) -> dict[str, Any]:
        file = Path(tempfile.gettempdir()) / f"partwell-demo-{case['number']}.zip"
        file.write_bytes(sealed)
        found = bundle.verify(file)
        steps = [
            {"element": e["element"], "name": e["name"], "person": e["actor"]["name"], "role": e["role"], "at": e["at"]}
            for e in case["timeline"]
            if e["actor"] and (e["event"] in _STEPS or (e["event"] == "work:item:completed" and e["element"] != "approve"))
        ]
        for step in steps:
            self._say(f"{step['at']}  {step['role']}  {step['person']}  {step['name']}")
        pushes: dict[tuple[str, str], dict[str, Any]] = {}
        for push in requests.get(f"{self._company['http']}/admin/pushes", timeout=10).json():
            row = pushes.setdefault(
                (push["system"], push["operation"]),
                {"system": push["system"], "operation": push["operation"], "attempts": 0, "effects": 0},
            )
            row["attempts"] += push["attempts"]
            row["effects"] += push["effects"]
        self._say(f"{case['status']} {case['outcome']}; sealed file {file}, ledger {'verified' if found.ok else 'NOT verified'}")
        return {
            "status": case["status"],
            "outcome": case["outcome"],
            "case": case["number"],
            "steps": steps,
            "pushes": list(pushes.values()),
            "ledger": {"entries": found.entries, "verified": found.ok},
            "file": str(file),
        }


_STEPS = ("case:started", "work:step:approved", "work:step:rejected")


# --- the processes


def _configuration(company: Mapping[str, Any], port: int) -> str:
    """partwell.toml for the demo: the ordinary connectors, short pauses between attempts."""
    web = f'base_url = "{company["http"]}"\ntoken = "{company["token"]}"\ntimeout = 5.0\n'
    return (
        f"port = {port}\njob_backoff = 0.3\njob_lease = 8.0\njob_poll = 0.5\n"
        f'[connectors.ehr]\ntype = "ehr_http"\n{web}'
        f'[connectors.payroll]\ntype = "payroll_http"\n{web}'
        f'[connectors.oa]\ntype = "oa_http"\n{web}'
        f'[connectors.mail]\ntype = "mail"\nhost = "127.0.0.1"\nport = {company["smtp"]}\n'
        'from = "Partwell <partwell@company.example>"\nstarttls = false\n'
    )


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextlib.contextmanager
def _company(home: Path) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "webapp.demo.company", "--home", str(home), "--port", "0", "--smtp-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=_ROOT) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise Stalled("the sample company did not start")
            yield json.loads(line)
        finally:
            process.terminate()


class _Partwell:
    """`partwell up` on one home, which can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PARTWELL_")}
        log = (self._home / "partwell.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "webapp.commands", "--home", str(self._home), "up"], cwd=_ROOT, env=environ, stdout=log, stderr=log
        )
        log.close()

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@contextlib.contextmanager
def _partwell(home: Path) -> Iterator[_Partwell]:
    running = _Partwell(home)
    running.start()
    try:
        yield running
    finally:
        running.stop()
