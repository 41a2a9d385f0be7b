"""The sealed file: what is in it, and that no change of it goes unnoticed."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_case import PNG, Usage, closed, house, houses, open_item, person, report, started

from engine import bundle, evidence, ledger, returns, work
from engine.errors import BundleInvalid, CaseNotRunning, NotAllowed, NotFound, SealBroken
from engine.models import Holding, LedgerPage
from engine.services import Services


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def services(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with houses(tmp_path_factory.mktemp("evidence"), request.param) as services:
        yield services


@pytest.fixture(scope="module")
def case_id(services: Services) -> str:
    found = started(services)
    with pytest.raises(CaseNotRunning):
        evidence.seal(services, found, report=report())
    closed(services, found)
    return found


@pytest.fixture(scope="module")
def sealed(services: Services, case_id: str) -> Path:
    row = evidence.seal(services, case_id, report=report())
    return services.settings.home / row.path


@pytest.fixture(scope="module")
def members(sealed: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(sealed) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def history(services: Services, case_id: str) -> list[ledger.Entry]:
    with services.database.reading() as connection:
        return ledger.history(connection, services.keyring, case_id)


def packed(folder: Path, members: Mapping[str, bytes]) -> Path:
    path = folder / "changed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def signed_again(folder: Path, members: Mapping[str, bytes], signer: Ed25519PrivateKey, **facts: Any) -> Path:
    """The bundle after somebody who holds the signing key changed files and made manifest and signature anew."""
    manifest = json.loads(members["manifest.json"])
    told = {f["path"]: {k: v for k, v in f.items() if k not in ("path", "size", "sha256")} for f in manifest.pop("files")}
    kept = {name: content for name, content in members.items() if name not in ("manifest.json", "manifest.sig", "SHA256SUMS")}
    path = folder / "signed.zip"
    path.write_bytes(bundle.seal(kept, manifest | facts, told, signer))
    return path


def faults(path: Path) -> list[str]:
    return [fault.message for fault in bundle.verify(path).faults]


# --- what is in it


def test_a_sealed_file_verifies(services: Services, sealed: Path) -> None:
    """Everything is recomputed and fits, with no database at hand."""
    found = bundle.verify(sealed)
    assert found.ok and (found.outcome, found.case) == ("dismissed", sealed.stem)
    assert found.key == bundle.fingerprint(services.keyring.signer.public_key())
    assert found.entries > 10 and found.files == len(zipfile.ZipFile(sealed).namelist()) - 2


def test_the_originals_are_in_it_unchanged(members: dict[str, bytes]) -> None:
    """What the outside system said, the upload, the letter, the diagram and the approval chain lie in it byte for byte."""
    paths = " ".join(members)
    assert Usage.ANSWER.encode() in [content for name, content in members.items() if name.startswith(bundle.SNAPSHOTS)]
    assert PNG in [content for name, content in members.items() if name.startswith(bundle.DOCUMENTS)]
    for part in ("通知书.pdf", "originals/procedure/short.bpmn", "originals/chains/consent-1.json", "request.json", "README.txt"):
        assert part in paths


def test_the_timeline_says_who_did_what_when(members: dict[str, bytes]) -> None:
    """Each step stands there with person, post, lane and time, without the salt that the ledger needs."""
    events = json.loads(members["timeline.json"])["events"]
    [approval] = [event for event in events if event["event"] == "work:step:approved"]
    assert (approval["actor"]["name"], approval["actor"]["post"], approval["element"]["lane"]) == ("王芳", "专员", "人事")
    assert approval["payload"]["opinion"] == "同意" and approval["at"].endswith("+00:00")
    assert events[-1]["event"] == "case:closed"
    assert not any("salt" in event["payload"] for event in events)


def test_the_report_can_be_read(members: dict[str, bytes]) -> None:
    """The report names the people, the outcome, local times, the outside call and the letter, and says what is not proved."""
    with pypdfium2.PdfDocument(io.BytesIO(members["report.pdf"])) as document:
        text = "\n".join(page.get_textpage().get_text_range() for page in document)
    for part in ("林小北", "王芳", "解除劳动合同", "2026-11-24 09:00", "通知书.pdf", "面谈记录", "尚未加盖独立第三方的可信时间戳"):
        assert part in text


def test_the_file_can_be_checked_by_hand(members: dict[str, bytes]) -> None:
    """The list for sha256sum fits every file it names, and the signature is plain Ed25519 over the manifest."""
    for line in members["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ", 1)
        assert hashlib.sha256(members[name]).hexdigest() == digest
    public = load_pem_public_key(members["public-key.pem"])
    public.verify(members["manifest.sig"], members["manifest.json"])  # type: ignore[union-attr, call-arg]


def test_the_same_content_gives_the_same_file(services: Services, members: dict[str, bytes]) -> None:
    """Packing and signing depend on nothing but the content."""
    signer = Ed25519PrivateKey.from_private_bytes(bytes(32))
    once, again = (bundle.seal(dict(order), {"a": 1}, {}, signer) for order in (members.items(), reversed(members.items())))
    assert once == again


# --- sealing


def test_sealing_is_recorded_and_done_once(services: Services, case_id: str, sealed: Path) -> None:
    """The chain's next entry names the file's digest; sealing again gives the same file; only the owner can read it."""
    [entry] = [entry for entry in history(services, case_id) if entry.event == "evidence:bundle:sealed"]
    assert entry.payload["sha256"] == hashlib.sha256(sealed.read_bytes()).hexdigest()
    before = sealed.stat().st_mtime_ns
    assert evidence.seal(services, case_id, report=report()).sha256 == entry.payload["sha256"]
    assert sealed.stat().st_mtime_ns == before
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    assert [path.name for path in sealed.parent.iterdir()] == [sealed.name]


def test_a_case_that_was_opened_again_is_sealed_again(tmp_path: Path) -> None:
    """In a file of its own; the one before stays, and both are in the ledger."""
    with houses(tmp_path, "sqlite") as services:
        case_id = started(services)
        closed(services, case_id)
        first = evidence.seal(services, case_id, report=report())
        with services.database.unit() as unit:
            unit.add(Holding, person_id=person("boss"), role="admin")
            unit.commit()
        which = {"actor": person("boss"), "reason": "补正签收", "request_id": "again"}
        returns.reopen(services, case_id, "receipt", **which)
        assert evidence.seal(services, case_id, report=report()) == first
        work.complete(services, open_item(services, case_id), actor=person("subject"), values={"received": True}, request_id="r5")
        second = evidence.seal(services, case_id, report=report())
        assert second.path != first.path and evidence.seal(services, case_id, report=report()) == second
        for row in (first, second):
            assert bundle.verify(tmp_path / row.path).ok
        told = [entry.payload["file"] for entry in history(services, case_id) if entry.event == ledger.Event.BUNDLE_SEALED]
        assert told == [first.path, second.path]


def test_handing_out_is_recorded(services: Services, case_id: str, sealed: Path) -> None:
    """Who may read the whole case gets the file and stands in the ledger; a stranger and the subject do not."""
    file = evidence.export(services, case_id, actor=person("hr"))
    assert file.content == sealed.read_bytes()
    last = history(services, case_id)[-1]
    assert (last.event, last.actor) == ("evidence:bundle:exported", person("hr"))
    for nobody in ("stranger", "subject"):
        with pytest.raises(NotAllowed):
            evidence.export(services, case_id, actor=person(nobody))


def test_a_file_changed_on_disk_is_not_handed_out(tmp_path: Path) -> None:
    """A sealed file that is no longer the one that was sealed is refused; a lost one is not found."""
    services = house(tmp_path)
    case_id = started(services)
    closed(services, case_id)
    path = services.settings.home / evidence.seal(services, case_id, report=report()).path
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(SealBroken):
        evidence.export(services, case_id, actor=person("hr"))
    path.unlink()
    with pytest.raises(NotFound):
        evidence.export(services, case_id, actor=person("hr"))


def test_a_broken_chain_is_not_sealed(tmp_path: Path) -> None:
    """A case whose ledger was tampered with in the database gets no sealed file."""
    services = house(tmp_path)
    case_id = started(services)
    closed(services, case_id)
    with services.database.unit() as unit:
        numbers = unit.connection.execute(sa.select(LedgerPage.number).order_by(LedgerPage.number)).scalars().all()
        unit.connection.execute(sa.delete(LedgerPage).where(LedgerPage.number == numbers[1]))
        unit.commit()
    with pytest.raises(SealBroken, match="ledger"):
        evidence.seal(services, case_id, report=report())
    assert not (services.settings.home / "sealed").exists()


# --- nothing goes unnoticed


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_bit_is_found(tmp_path: Path, members: dict[str, bytes], data: st.DataObject) -> None:
    """Whatever bit of whatever member is flipped, the check says so."""
    name = data.draw(st.sampled_from(sorted(members)))
    place = data.draw(st.integers(0, len(members[name]) - 1))
    flipped = members[name][place] ^ (1 << data.draw(st.integers(0, 7)))
    changed = members[name][:place] + bytes([flipped]) + members[name][place + 1 :]
    path = packed(tmp_path, members | {name: changed})
    with contextlib.suppress(BundleInvalid):  # said when the manifest itself can no longer be read
        assert not bundle.verify(path).ok


@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_byte_flipped_in_the_zip_is_found_or_harmless(
    tmp_path: Path, sealed: Path, members: dict[str, bytes], data: st.DataObject
) -> None:
    """A byte flipped in the ZIP itself is found, unless every member still comes out of it unchanged."""
    raw = bytearray(sealed.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "flipped.zip"
    path.write_bytes(raw)
    try:
        good = bundle.verify(path).ok
    except BundleInvalid:
        return
    if good:
        with zipfile.ZipFile(path) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == members


def test_missing_and_added_files_are_found(tmp_path: Path, members: dict[str, bytes]) -> None:
    """A file left out and a file put in are each named."""
    [photo] = [name for name in members if name.endswith("面谈照片.png")]
    assert f"{photo} is missing." in faults(packed(tmp_path, {name: c for name, c in members.items() if name != photo}))
    assert "extra.txt was added; the manifest does not name it." in faults(packed(tmp_path, members | {"extra.txt": b"x"}))


def _remove(entries: list[Any]) -> None:
    del entries[3]


def _remove_last(entries: list[Any]) -> None:
    entries.pop()


def _reorder(entries: list[Any]) -> None:
    entries[3], entries[4] = entries[4], entries[3]


def _replace(entries: list[Any]) -> None:
    entries[3]["payload"] = {**entries[3]["payload"], "salt": "0" * 32}


def _rename(entries: list[Any]) -> None:
    entries[3]["actor"] = "f" * 32


def _repeat(entries: list[Any]) -> None:
    entries.insert(4, dict(entries[3]))


def _redate(entries: list[Any]) -> None:
    entries[0]["at"] = entries[0]["at"].replace("2026", "2025")


@pytest.mark.parametrize("change", [_remove, _remove_last, _reorder, _replace, _rename, _repeat, _redate])
def test_a_changed_ledger_is_found_though_signed_again(
    tmp_path: Path, services: Services, members: dict[str, bytes], change: Callable[[list[Any]], None]
) -> None:
    """Who removes, reorders, replaces or redates an entry and signs anew with the true key is found by recomputing the chain."""
    chain = json.loads(members["ledger.json"])
    change(chain["entries"])
    changed = members | {"ledger.json": json.dumps(chain).encode()}
    assert any("edger" in fault for fault in faults(signed_again(tmp_path, changed, services.keyring.signer)))


def test_a_swapped_original_is_found_though_signed_again(tmp_path: Path, services: Services, members: dict[str, bytes]) -> None:
    """An answer of an outside system exchanged by the holder of the key no longer fits what the ledger kept."""
    [answer] = [name for name in members if name.startswith(bundle.SNAPSHOTS) and "request" not in name]
    changed = members | {answer: members[answer].replace(b"150", b"950")}
    assert any("the ledger names is missing or altered" in f for f in faults(signed_again(tmp_path, changed, services.keyring.signer)))


def test_a_changed_account_is_found_though_signed_again(tmp_path: Path, services: Services, members: dict[str, bytes]) -> None:
    """Timeline and outcome must say what the ledger says."""
    timeline = json.loads(members["timeline.json"])
    timeline["events"][0]["actor"]["id"] = person("stranger")
    changed = members | {"timeline.json": json.dumps(timeline).encode()}
    assert "Event 1 of the timeline is not what the ledger says." in faults(signed_again(tmp_path, changed, services.keyring.signer))
    case = json.loads(members["manifest.json"])["case"] | {"outcome": "improvement"}
    path = signed_again(tmp_path, members, services.keyring.signer, case=case)
    assert "The outcome in the manifest is not the one in the ledger." in faults(path)


def test_another_signer_is_told_apart(tmp_path: Path, services: Services, members: dict[str, bytes]) -> None:
    """A bundle signed by somebody else is whole in itself; who knows the employer's fingerprint sees the difference."""
    path = signed_again(tmp_path, members, Ed25519PrivateKey.generate())
    mine = bundle.fingerprint(services.keyring.signer.public_key())
    assert bundle.verify(path).key != mine
    assert not bundle.verify(path, key=mine).ok
    assert bundle.verify(signed_again(tmp_path, members, services.keyring.signer), key=mine.upper()).ok


# --- hostile files


def test_what_is_no_sealed_file_is_said_so(tmp_path: Path) -> None:
    """No file, no ZIP and a strange ZIP are each answered readably."""
    with pytest.raises(NotFound):
        bundle.verify(tmp_path / "nowhere.zip")
    (tmp_path / "text.zip").write_text("hello")
    for path in (tmp_path / "text.zip", tmp_path, packed(tmp_path, {"a.txt": b"x"})):
        with pytest.raises(BundleInvalid):
            bundle.verify(path)


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/passwd", "a/../../b", "C:\\x", "a\\b", "a//b", "line\nbreak"])
def test_unsafe_names_are_refused(tmp_path: Path, members: dict[str, bytes], name: str) -> None:
    """A file that would be written outside the folder it is unpacked in is not called good."""
    with pytest.raises(BundleInvalid, match="unsafe name"):
        bundle.verify(packed(tmp_path, members | {name: b"x"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["report.pdf", "REPORT.pdf"])
def test_a_name_that_occurs_twice_is_refused(tmp_path: Path, members: dict[str, bytes], name: str) -> None:
    """Two files of one name could show one thing to us and another to the reader."""
    path = packed(tmp_path, members)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"other")
    with pytest.raises(BundleInvalid, match="twice"):
        bundle.verify(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that would grow beyond the limit is refused before anything of it is read."""
    monkeypatch.setattr(bundle, "_MOST_BYTES", sum(map(len, members.values())) + 1000)
    assert bundle.verify(packed(tmp_path, members)).ok
    with pytest.raises(BundleInvalid, match="too large"):
        bundle.verify(packed(tmp_path, members | {"zeros": bytes(2000)}))
