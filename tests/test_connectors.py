"""One contract for every connector, against the sample company as a real process, and how failures are told apart."""

from __future__ import annotations

import ast
import datetime as dt
import ipaddress
import json
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from connector_setups import OK, ROWS, SUBJECT, Setup, a_call, answering, build, free_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sample_company import SampleCompany

import connectors
from engine.errors import NeedsPerson, NotFound, OperationFailed, Refused, SettingWrong, TryAgain
from engine.ports import Answer, Operation

TYPES = ("ehr_files", "ehr_http", "mail", "oa_http", "payroll_http")


pytestmark = pytest.mark.usefixtures("no_faults_left")


# --- the contract


@pytest.mark.parametrize("type", TYPES)
def test_is_an_operation_with_documented_options(type: str, setups: dict[str, Setup]) -> None:
    """A connector keeps the port, names its operations, and says a sentence about every option."""
    connector = build(type, setups[type].options)
    assert isinstance(connector, Operation)
    assert setups[type].call.operation in connector.names
    for kind, default, sentence in connectors.offered()[type].OPTIONS.values():
        assert default is ... or isinstance(default, kind)
        assert len(sentence.split()) > 1


@pytest.mark.parametrize("type", TYPES)
def test_answers_with_json_and_what_was_said(type: str, setups: dict[str, Setup]) -> None:
    """A call gives a JSON value and the exchange with the other side, and no secret is in either."""
    answer = build(type, setups[type].options).call(setups[type].call)
    assert isinstance(answer, Answer)
    said = json.dumps([answer.value, [vars(exchange) for exchange in answer.exchanges]])
    assert answer.exchanges and all(exchange.system == type for exchange in answer.exchanges)
    assert not setups[type].secret or setups[type].secret not in said


@pytest.mark.parametrize("type", TYPES)
def test_check_is_content_and_harmless(type: str, setups: dict[str, Setup], company: SampleCompany) -> None:
    """When all is well, the check says nothing and does nothing."""
    before = company.admin("pushes"), company.admin("mails")
    assert list(build(type, setups[type].options).check()) == []
    assert (company.admin("pushes"), company.admin("mails")) == before


@pytest.mark.parametrize("type", TYPES)
def test_other_side_down_is_tried_again(type: str, setups: dict[str, Setup]) -> None:
    """Where nobody answers, the call is to be tried again, and the check says so in a sentence."""
    connector = build(type, setups[type].down)
    with pytest.raises(TryAgain) as failed:
        connector.call(setups[type].call)
    assert failed.value.facts["system"] == type
    assert failed.value.facts["reason"] in connector.check()


@pytest.mark.parametrize("type", TYPES)
def test_input_that_makes_no_sense_is_refused(type: str, setups: dict[str, Setup]) -> None:
    """A call without the inputs that the operation needs is never worth another try."""
    with pytest.raises(Refused):
        build(type, setups[type].options).call(replace(setups[type].call, input={}))


@pytest.mark.parametrize("type", TYPES)
def test_unknown_operation_is_not_found(type: str, setups: dict[str, Setup]) -> None:
    """An operation that the connector does not offer is an error."""
    with pytest.raises(NotFound):
        build(type, setups[type].options).call(replace(setups[type].call, operation="ehr.salary"))


@pytest.mark.parametrize("type", TYPES)
def test_wrong_options_name_the_setting(type: str, setups: dict[str, Setup]) -> None:
    """A missing, misspelt or wrongly typed option is named by its full name."""
    options = setups[type].options
    required = next(key for key, option in connectors.offered()[type].OPTIONS.items() if option.default is ...)
    for key, wrong in (
        (required, {k: v for k, v in options.items() if k != required}),
        ("colour", {**options, "colour": "red"}),
        (required, {**options, required: 7}),
    ):
        with pytest.raises(SettingWrong) as found:
            build(type, wrong)
        assert found.value.facts["setting"] == f"connectors.{type}.{key}"


# --- how failures are told apart


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("500", TryAgain),
        ("503", TryAgain),
        ("429", TryAgain),
        ("timeout", TryAgain),
        ("slow:1", TryAgain),
        ("garbage", TryAgain),
        ("after_effect", TryAgain),
        ("400", Refused),
        ("403", Refused),
        ("404", Refused),
        ("401", NeedsPerson),
        ("other_employee", NeedsPerson),
    ],
)
@pytest.mark.parametrize("operation", ["ehr.employee", "ehr.app_usage", "payroll.stop_social_insurance", "oa.deactivate_account"])
def test_failures_are_of_three_kinds(
    operation: str, fault: str, kind: type[OperationFailed], company: SampleCompany, setups: dict[str, Setup]
) -> None:
    """Again, never, or a person: by what the other side did, the same in every connector that speaks HTTP."""
    type = {"ehr": "ehr_http", "payroll": "payroll_http", "oa": "oa_http"}[operation.partition(".")[0]]
    connector = build(type, {**setups[type].options, "timeout": 0.5})
    company.plan(operation, fault)
    with pytest.raises(kind) as failed:
        connector.call(a_call(operation, ROWS if type == "ehr_http" else {"employee": SUBJECT}, key=f"{operation}:{fault}"))
    assert fault in ("timeout", "slow:1") or failed.value.answer


def test_a_limit_of_requests_says_when_to_come_back(company: SampleCompany, setups: dict[str, Setup]) -> None:
    """Retry-After is passed on in seconds, whether it is a number or a date."""
    company.plan("ehr.app_usage", "429")
    with pytest.raises(TryAgain) as limited:
        build("ehr_http", setups["ehr_http"].options).call(setups["ehr_http"].call)
    assert limited.value.after == 2
    dated = b"HTTP/1.1 503 Busy\r\nRetry-After: Tue, 24 Nov 2026 02:01:30 GMT\r\nContent-Length: 0\r\n\r\n"
    with answering(dated) as address, pytest.raises(TryAgain) as busy:
        build("ehr_http", {"base_url": address, "token": "t"}).call(setups["ehr_http"].call)
    assert busy.value.after == 90


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", NeedsPerson),
        (OK + b"\r\n<html>", TryAgain),
        (OK + b'\r\n{"rows": [{"duration_min": NaN}]}', TryAgain),
        (OK + b"\r\n" + b"[" * 100_000, TryAgain),
        (OK + b"\r\n[]", NeedsPerson),
        (OK + b'\r\n{"rows": "none"}', NeedsPerson),
        (OK + b'Content-Length: 400\r\n\r\n{"rows": [', TryAgain),
        (OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"row\r\n', TryAgain),
        (OK + b"Content-Encoding: gzip\r\n\r\nnot gzip", TryAgain),
        (b"SSH-2.0-OpenSSH_9.9\r\n", TryAgain),
    ],
    ids=["redirect", "html", "nan", "nested", "list", "no rows", "cut", "cut chunk", "no gzip", "no http"],
)
def test_strange_answers_are_classified(raw: bytes, kind: type[OperationFailed], setups: dict[str, Setup]) -> None:
    """Whatever comes over the wire ends as one of the three kinds, never as another exception or as data."""
    with answering(raw) as address, pytest.raises(kind):
        build("ehr_http", {"base_url": address, "token": "t"}).call(setups["ehr_http"].call)


def self_signed(folder: Path) -> Path:
    """Key and certificate of 127.0.0.1 in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "pair.pem").write_bytes(plain + certificate.public_bytes(serialization.Encoding.PEM))
    return folder / "pair.pem"


def test_certificates_are_verified(tmp_path: Path) -> None:
    """A certificate that nobody vouches for is a person's affair; one of the company's own authority is accepted."""
    pair = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair)
    empty = OK + b'\r\n{"rows": []}'
    with answering(empty, empty, tls=tls) as address:
        options = {"base_url": address, "token": "t"}
        with pytest.raises(NeedsPerson) as untrusted:
            build("ehr_http", options).call(a_call("ehr.training", ROWS))
        assert untrusted.value.facts["reason"] == "its certificate is not to be trusted"
        assert build("ehr_http", {**options, "ca_file": str(pair)}).call(a_call("ehr.training", ROWS)).value["rows"] == []


def test_the_machine_does_not_redirect_a_call(setups: dict[str, Setup], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a proxy of the environment nor a .netrc takes part in a call."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login x password y")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert build("ehr_http", setups["ehr_http"].options).call(setups["ehr_http"].call).value["rows"]


def test_an_answer_that_trickles_is_given_up(setups: dict[str, Setup]) -> None:
    """The time limit holds for the whole answer, not only for the pause between two bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def trickle() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(OK + b"\r\n")
            while not stop.wait(0.1):
                try:
                    peer.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        options = {"base_url": f"http://127.0.0.1:{listener.getsockname()[1]}", "token": "t", "timeout": 0.5}
        with pytest.raises(TryAgain) as late:
            build("ehr_http", options).call(setups["ehr_http"].call)
        assert late.value.facts["reason"] == "it did not answer in time"
    finally:
        stop.set()
        thread.join()
        listener.close()


def test_check_warns_of_an_open_line_and_a_wrong_token(company: SampleCompany) -> None:
    """A token over plain HTTP to another machine and a token that is not accepted are both said at set-up time."""
    assert build("oa_http", {"base_url": company.http, "token": "wrong"}).check() == ["it did not accept our token"]
    open_line = build("oa_http", {"base_url": f"http://0.0.0.0:{free_port()}", "token": "t"}).check()
    assert open_line[0] == "the address is not encrypted, so the token can be read on the way"


# --- finding connectors


def test_unknown_type_names_the_setting() -> None:
    """A type that nothing offers is named with those that exist."""
    with pytest.raises(SettingWrong, match="ehr_http") as found:
        connectors.load({"ehr": {"type": "sap"}})
    assert found.value.facts["setting"] == "connectors.ehr.type"


def test_one_operation_has_one_connector(setups: dict[str, Setup]) -> None:
    """Two connectors for the same operation are a mistake of the configuration."""
    with pytest.raises(SettingWrong, match=r"ehr\.employee"):
        connectors.load({name: {"type": "ehr_http", **setups["ehr_http"].options} for name in ("one", "two")})


def test_installed_connectors_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of somebody else with the entry point is offered like a built-in."""
    (tmp_path / "their_connector.py").write_text("class Theirs:\n    names = ('theirs.do',)\n    def __init__(self, name, options): ...\n")
    information = tmp_path / "theirs-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[partwell.connectors]\ntheirs = their_connector:Theirs\nbroken = nowhere:Nothing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SettingWrong, match=r"partwell\.connectors\.broken"):
        connectors.load({})
    (information / "entry_points.txt").write_text("[partwell.connectors]\ntheirs = their_connector:Theirs\n")
    [theirs] = connectors.load({"x": {"type": "theirs"}})
    assert theirs.names == ("theirs.do",)
    sys.modules.pop("their_connector")


def test_every_reason_has_a_chinese_sentence() -> None:
    """The fixed part of every reason in the connectors' code is translated, and nothing else is in the catalogue."""
    root = Path(connectors.__file__).parent
    named = {"again", "person", "refused", "fail", "_again", "_person", "_refused"}
    written: set[str] = set()
    for file in root.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                told = [k.value for k in node.keywords if k.arg == "reason"] + (node.args if name in named else [])
                written |= {text for value in told for text in sentences(value)}
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("reason", "found", "_KINDS"):
                written |= set(sentences(node.value))
    with (root.parent / "webapp/locale/zh_CN/connectors.po").open("rb") as opened:
        catalogue = {str(message.id): str(message.string) for message in read_po(opened, abort_invalid=True) if message.id}
    assert set(catalogue) == written and len(written) > 30
    assert all(catalogue.values())


def sentences(value: ast.expr) -> Iterator[str]:
    """The fixed parts of a reason: texts with a blank, up to the colon before a detail."""
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip(" :,"):
            text = node.value.partition(": ")[0]
            if text and not text.startswith(", "):
                yield text
