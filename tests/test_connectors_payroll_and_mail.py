"""What payroll, OA and mail do when an answer is lost, doubtful or a refusal."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from dataclasses import replace

import pytest
from connector_setups import SUBJECT, Setup, a_call, build
from sample_company import SampleCompany

from connectors.mail import Mail
from connectors.payroll_http import PayrollHttp
from engine.errors import NeedsPerson, OperationFailed, Refused, SettingWrong, TryAgain
from engine.ports import Message, Notifier

pytestmark = pytest.mark.usefixtures("no_faults_left")


# --- payroll and OA


@pytest.mark.parametrize("fault", ["after_effect", "garbage", "slow:1"])
@pytest.mark.parametrize(
    ("type", "operation"),
    [
        ("payroll_http", "payroll.stop_social_insurance"),
        ("payroll_http", "payroll.stop_housing_fund"),
        ("payroll_http", "payroll.request_settlement"),
        ("oa_http", "oa.deactivate_account"),
        ("oa_http", "oa.notice"),
    ],
)
def test_an_uncertain_failure_is_repeated_without_a_second_effect(
    type: str, operation: str, fault: str, company: SampleCompany, setups: dict[str, Setup]
) -> None:
    """When the answer is lost after the effect, the next attempt with the same key gets the reference, and one effect stands."""
    connector = build(type, {**setups[type].options, "timeout": 0.5})
    call = a_call(operation, {"employee": SUBJECT}, key=f"repeat:{operation}:{fault}")
    company.plan(operation, fault)
    with pytest.raises(TryAgain):
        connector.call(call)
    value = connector.call(replace(call, attempt=2)).value
    [push] = company.pushed(call.key)
    assert (push["attempts"], push["effects"], push["reference"]) == (2, 1, value["reference"])
    assert push["body"] == {"employee": SUBJECT, "case": "2026-0001"} and dt.datetime.fromisoformat(value["accepted_at"])


def test_an_acceptance_without_reference_needs_a_person(company: SampleCompany, setups: dict[str, Setup]) -> None:
    """200 without a reference number proves nothing."""
    company.plan("payroll.request_settlement", "partial")
    with pytest.raises(NeedsPerson):
        build("payroll_http", setups["payroll_http"].options).call(a_call("payroll.request_settlement", {"employee": SUBJECT}, "no-ref"))


def test_ask_first_sends_nothing_twice(company: SampleCompany, setups: dict[str, Setup]) -> None:
    """For a system that forgets keys, the look-up before the second attempt finds the first, which is not sent again."""
    payroll = build("payroll_http", {**setups["payroll_http"].options, "ask_first": True})
    call = a_call("payroll.stop_housing_fund", {"employee": SUBJECT}, "ask-first")
    first, second = payroll.call(call), payroll.call(replace(call, attempt=2))
    assert first.value == second.value
    assert [e.request["method"] for e in first.exchanges] == ["GET", "POST"]
    assert [e.request["method"] for e in second.exchanges] == ["GET"]
    assert [push["attempts"] for push in company.pushed("ask-first")] == [1]


def test_an_unknown_employee_is_refused_with_the_answer(setups: dict[str, Setup]) -> None:
    """A rule of the other side stops the call for good, and what it said is kept."""
    with pytest.raises(Refused) as refused:
        build("payroll_http", setups["payroll_http"].options).call(a_call("payroll.request_settlement", {"employee": "XX-1"}, "unknown"))
    assert refused.value.answer and "no employee XX-1" in refused.value.answer


# --- mail


def test_mail_repeats_under_the_same_message_id(company: SampleCompany, setups: dict[str, Setup]) -> None:
    """A mail repeated after a lost answer carries the same Message-ID, and other keys get other ones."""
    mail = build("mail", setups["mail"].options)
    call = replace(setups["mail"].call, key="mail-twice")
    company.plan("mail.send", "after_effect")
    with pytest.raises(TryAgain):
        mail.call(call)
    reference = mail.call(call).value["reference"]
    assert [m["message_id"] for m in company.admin("mails")][-2:] == [reference, reference]
    assert mail.call(replace(call, key="mail-other")).value["reference"] != reference


def test_a_notice_by_mail(company: SampleCompany, setups: dict[str, Setup]) -> None:
    """It goes to the person's address with its link, a second attempt under the same Message-ID; `notices = false` turns it off."""
    mail = build("mail", setups["mail"].options)
    told = {"key": "notice:1", "kind": "opened", "address": "wangfang@company.example", "name": "王芳", "now": setups["mail"].call.now}
    link = "https://partwell.company.example/items/1"
    message = Message(**told, subject="待办：审批", text="请您处理“审批”。", link=link)
    assert isinstance(mail, Notifier) and mail.tell(message) == mail.tell(message)
    first, second = company.admin("mails")[-2:]
    assert first["message_id"] == second["message_id"] and "wangfang@company.example" in str(first) and link in str(first)
    assert build("mail", {**setups["mail"].options, "notices": False}).channel == ""


def test_a_subject_cannot_smuggle_headers(setups: dict[str, Setup]) -> None:
    """A line break in a subject is refused instead of becoming a header."""
    bad = {"to": "a@company.example", "subject": "x\r\nBcc: spy@company.example", "body": ""}
    with pytest.raises(Refused):
        build("mail", setups["mail"].options).call(replace(setups["mail"].call, input=bad))


def test_mail_insists_on_starttls(setups: dict[str, Setup]) -> None:
    """Asked to encrypt, the connector sends nothing to a server that cannot."""
    mail = build("mail", {**setups["mail"].options, "starttls": True})
    with pytest.raises(NeedsPerson):
        mail.call(setups["mail"].call)
    assert mail.check() == ["it does not offer what the settings ask for: STARTTLS, AUTH"]


@pytest.mark.parametrize(
    ("reply", "to", "kind"),
    [
        (b"450 later", ["a@company.example"], TryAgain),
        (b"550 no such user", ["a@company.example"], Refused),
        (b"550 no such user", ["a@company.example", "good@company.example"], NeedsPerson),
    ],
)
def test_smtp_codes_are_classified(reply: bytes, to: list[str], kind: type[OperationFailed], setups: dict[str, Setup]) -> None:
    """4xx is for now, 5xx for good, also when it concerns the recipient; one recipient of several is a person's affair."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        peer, _ = listener.accept()
        with peer, peer.makefile("rb") as lines:
            peer.sendall(b"220 hello\r\n")
            for line in lines:
                command = line.upper()
                refused = command.startswith(b"RCPT") and b"GOOD@" not in command
                peer.sendall((reply if refused else b"354 go on" if command == b"DATA\r\n" else b"250 fine") + b"\r\n")

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        mail = build("mail", {**setups["mail"].options, "port": listener.getsockname()[1]})
        with pytest.raises(kind):
            mail.call(replace(setups["mail"].call, input={"to": to, "subject": "催办", "body": "请处理。"}))
    finally:
        thread.join()
        listener.close()


def test_default_mail_options_encrypt() -> None:
    """Encryption is on unless it is switched off, and a sender without domain is refused."""
    assert Mail.OPTIONS["starttls"].default is True
    with pytest.raises(SettingWrong, match=r"connectors\.mail\.from"):
        Mail("mail", {"host": "127.0.0.1", "from": "partwell"})


def test_payroll_paths_can_differ() -> None:
    """A path is changed by configuration, and a path for no operation is refused."""
    with pytest.raises(SettingWrong, match=r"connectors\.payroll\.paths\.payroll\.bonus"):
        PayrollHttp("payroll", {"base_url": "https://p.company.example", "token": "t", "paths": {"payroll.bonus": "/x"}})
