"""Settings: from the file, over it the environment, over that what is given; a wrong one is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import settings
from engine.errors import SettingWrong
from engine.settings import Limit


def test_the_defaults_suffice(tmp_path: Path) -> None:
    """Without file and environment everything has a value, and all data lie in the home folder."""
    found = settings.read({}, home=tmp_path)
    assert (found.home, found.port, found.zone) == (tmp_path, 8000, "Asia/Shanghai")
    assert found.database_url == f"sqlite:///{tmp_path}/partwell.db" and found.key_file == tmp_path / "keys.json"
    assert found.address == "http://127.0.0.1:8000"


def test_the_environment_wins_over_the_file_and_the_given_over_both(tmp_path: Path) -> None:
    """One setting in three places: the last one counts; a given None counts as not given."""
    (tmp_path / "partwell.toml").write_text('port = 8001\nhost = "0.0.0.0"\ncompany = "甲公司"\ndemo = false\n', "utf-8")
    environ = {"PARTWELL_HOME": str(tmp_path), "PARTWELL_PORT": "8002", "PARTWELL_COMPANY": "乙公司"}
    found = settings.read(environ, company="丙公司", host=None)
    assert (found.home, found.host, found.port, found.company, found.demo) == (tmp_path, "0.0.0.0", 8002, "丙公司", False)
    assert settings.read(environ).company == "乙公司"


def test_connectors_are_tables(tmp_path: Path) -> None:
    """Each outside system is a table with its options, handed on unchanged."""
    (tmp_path / "partwell.toml").write_text('[connectors.ehr]\ntype = "ehr_http"\nurl = "http://127.0.0.1:9"\n', "utf-8")
    assert settings.read({}, home=tmp_path).connectors == {"ehr": {"type": "ehr_http", "url": "http://127.0.0.1:9"}}


def test_limits_of_operations_are_tables(tmp_path: Path) -> None:
    """How many calls at once and in a minute, by operation; what is not said is not limited."""
    (tmp_path / "partwell.toml").write_text('[operations."ehr.usage"]\nconcurrency = 2\n[operations."*"]\nper_minute = 60\n', "utf-8")
    found = settings.read({}, home=tmp_path).operations
    assert found == {"ehr.usage": Limit(concurrency=2), "*": Limit(per_minute=60)}


@pytest.mark.parametrize(("text", "value"), [("1", True), ("TRUE", True), ("yes", True), ("0", False), ("False", False), ("no", False)])
def test_yes_and_no_in_the_environment(tmp_path: Path, text: str, value: bool) -> None:
    """Switches are read from the usual words."""
    assert settings.read({"PARTWELL_DEMO": text}, home=tmp_path).demo is value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "eighty"),
        ("PORT", ""),
        ("PORT", "80.5"),
        ("PORT", "-1"),
        ("JOB_THREADS", "0"),
        ("JOB_LEASE", "nan"),
        ("JOB_POLL", "inf"),
        ("DEMO", "maybe"),
        ("ZONE", "Mars/Olympus"),
        ("ZONE", "../../etc/passwd"),
        ("ZONE", "Asia"),
        ("ZONE", ""),
    ],
)
def test_a_wrong_value_names_its_setting(tmp_path: Path, name: str, text: str) -> None:
    """Whatever does not fit its setting stops the start, and the message says which one and what was there."""
    with pytest.raises(SettingWrong) as caught:
        settings.read({f"PARTWELL_{name}": text}, home=tmp_path)
    assert caught.value.facts["setting"] == name.lower() and repr(text) in caught.value.message


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"port = ", "partwell.toml"),
        (b"\xff\xfe", "partwell.toml"),
        (b"prot = 8001\n", "prot"),
        (b'port = "x"\n', "port"),
        (b"port = [1]\n", "port"),
        (b"port = 80.5\n", "port"),
        (b'connectors = "ehr"\n', "connectors"),
        (b'[connectors]\nehr = "http"\n', "connectors"),
        (b"operations = 3\n", "operations"),
        (b'[operations."a.b"]\nconcurency = 2\n', 'operations."a.b".concurency'),
        (b'[operations."a.b"]\nconcurrency = 0\n', 'operations."a.b".concurrency'),
        (b'[operations."*"]\nper_minute = true\n', 'operations."*".per_minute'),
        (b'[calendars]\noffice = "09:00-18:00"\n', "calendars"),
    ],
)
def test_a_wrong_file_names_the_place(tmp_path: Path, content: bytes, named: str) -> None:
    """A file that is no TOML, an unknown name (with the known ones) or a wrong value is refused."""
    (tmp_path / "partwell.toml").write_bytes(content)
    with pytest.raises(SettingWrong) as caught:
        settings.read({}, home=tmp_path)
    assert named in caught.value.facts["setting"]
    assert named != "prot" or "port" in caught.value.message


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """What was read at the start stays for the whole run."""
    found: Any = settings.read({}, home=tmp_path)
    with pytest.raises(AttributeError):
        found.port = 1
