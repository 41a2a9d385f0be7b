"""Sealed values and the key file."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from engine_room import together

from engine.errors import KeyMissing, SealBroken, SettingWrong
from engine.fields import Keyring

PLAIN, PURPOSE = "林小北：三次考核未达 60 分".encode(), "cases.state/0001"


def test_a_sealed_value_opens_where_it_belongs(keyring: Keyring) -> None:
    """What was sealed is unreadable as it lies there, never the same twice, and opens unchanged; empty values too."""
    sealed = keyring.seal(PLAIN, PURPOSE)
    assert PLAIN not in sealed and sealed != keyring.seal(PLAIN, PURPOSE)
    assert keyring.unseal(sealed, PURPOSE) == PLAIN
    assert keyring.unseal(keyring.seal(b"", PURPOSE), PURPOSE) == b""
    value = {"分数": [58, 52.5, None, True], "": ""}
    assert keyring.unseal_json(keyring.seal_json(value, PURPOSE), PURPOSE) == value


@pytest.mark.parametrize("place", ["cases.state/0002", "documents.content/0001", "cases.state/000", "", PURPOSE + " "])
def test_a_value_moved_elsewhere_does_not_open(keyring: Keyring, place: str) -> None:
    """Another row, another column, or anything else than the purpose it was sealed for is refused, naming the place."""
    with pytest.raises(SealBroken) as caught:
        keyring.unseal(keyring.seal(PLAIN, PURPOSE), place)
    assert caught.value.facts["purpose"] == place


def test_every_flipped_byte_is_noticed(keyring: Keyring) -> None:
    """A change of any one byte, header, nonce, text and tag, is refused."""
    sealed = keyring.seal(PLAIN, PURPOSE)
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(SealBroken if place >= 5 else KeyMissing):
            keyring.unseal(bytes(altered), PURPOSE)


def test_every_shortened_value_is_noticed(keyring: Keyring) -> None:
    """A value cut off anywhere, or with something behind it, is refused and never a crash."""
    sealed = keyring.seal(PLAIN, PURPOSE)
    for altered in [*(sealed[:length] for length in range(len(sealed))), sealed + b"\0"]:
        with pytest.raises((SealBroken, KeyMissing)):
            keyring.unseal(altered, PURPOSE)


def test_an_unknown_key_is_named(keyring: Keyring, tmp_path: Path) -> None:
    """A value sealed with another installation's key says which key is missing and where it was looked for."""
    stranger = Keyring.open(tmp_path / "keys.json")
    sealed = stranger.seal(PLAIN, PURPOSE)
    with pytest.raises(KeyMissing) as caught:
        keyring.unseal(sealed, PURPOSE)
    assert caught.value.facts == {"key": sealed[1:5].hex(), "path": keyring.path}


def test_older_keys_still_open(tmp_path: Path) -> None:
    """After the current key was changed, what the old one sealed opens, and new values carry the new key."""
    file = tmp_path / "keys.json"
    old = Keyring.open(file)
    sealed = old.seal(PLAIN, PURPOSE)
    other = json.loads((_made(tmp_path / "other.json")).read_text())
    stored = json.loads(file.read_text())
    stored["data_keys"] |= other["data_keys"]
    stored["current"] = other["current"]
    file.write_text(json.dumps(stored))
    both = Keyring.open(file)
    assert both.unseal(sealed, PURPOSE) == PLAIN
    assert both.seal(PLAIN, PURPOSE)[1:5].hex() == other["current"]
    with pytest.raises(KeyMissing):
        old.unseal(both.seal(PLAIN, PURPOSE), PURPOSE)


def _made(file: Path) -> Path:
    Keyring.open(file)
    return file


def test_the_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """It is made with mode 0600 in a folder that need not exist yet, and nothing else is left beside it."""
    file = _made(tmp_path / "deep" / "keys.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == ["keys.json"]


def _seal_in_another_process(file: str, gate: object, answer: object) -> None:
    gate.wait()  # type: ignore[attr-defined]
    answer.put(Keyring.open(Path(file)).seal(PLAIN, PURPOSE))  # type: ignore[attr-defined]


def test_two_first_starts_agree_on_one_key(tmp_path: Path) -> None:
    """Processes and threads that make the key file at the same moment all work with the same keys."""
    file = tmp_path / "keys.json"
    context = multiprocessing.get_context("fork")
    gate, answer = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_seal_in_another_process, args=(str(file), gate, answer)) for _ in range(3)]
    for process in processes:
        process.start()
    sealed = [answer.get(timeout=20) for _ in processes]
    for process in processes:
        process.join(20)
    assert [Keyring.open(file).unseal(value, PURPOSE) for value in sealed] == [PLAIN] * 3
    threads = tmp_path / "threads.json"
    keyrings = together(*[lambda: Keyring.open(threads)] * 6)
    assert {keyring.unseal(keyrings[0].seal(PLAIN, PURPOSE), PURPOSE) for keyring in keyrings} == {PLAIN}
    assert sorted(os.listdir(tmp_path)) == ["keys.json", "threads.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b'{"data_keys": {"zz": "AA=="}, "current": "zz", "signing_key": ""}',
        b'{"data_keys": {"00000000": "AA=="}, "current": "00000000", "signing_key": "AA=="}',
        b'{"data_keys": [], "current": "00000000", "signing_key": "AA=="}',
    ],
)
def test_a_damaged_key_file_is_named_and_kept(tmp_path: Path, content: bytes) -> None:
    """A file that is no key file stops the start with its path, and is never overwritten with new keys."""
    file = tmp_path / "keys.json"
    file.write_bytes(content)
    with pytest.raises(SettingWrong, match=r"keys\.json"):
        Keyring.open(file)
    assert file.read_bytes() == content
