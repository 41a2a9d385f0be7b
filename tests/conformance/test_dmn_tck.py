"""Models of the DMN TCK (dmn-tck/tck on GitHub, Apache-2.0; unchanged, see dmn-tck/MANIFEST.tsv) with the results they expect."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest
import tck

CHECKS = list(tck.checks(tck.COPIED))
SUITE = tck.Suite()
PINNED = tck.known_misses()


@pytest.mark.parametrize("check", [pytest.param(check, id=re.sub(r"\W+", "-", " ".join(check.key))) for check in CHECKS])
def test_a_decision_gives_what_the_tck_expects(check: tck.Check) -> None:
    """Each result of each model equals the expected one, unless it is pinned as a known miss."""
    got, why = SUITE.answer(check)
    assert tck.same(check.expected, got) is (check.key not in PINNED), why


def test_the_copied_files_are_unchanged() -> None:
    """Every file is byte for byte the one that the manifest names."""
    rows = [line.split("\t") for line in (tck.COPIED / "MANIFEST.tsv").read_text("utf-8").splitlines()[1:]]
    assert len(rows) == 24
    for _, _, path, digest in rows:
        assert hashlib.sha256((tck.COPIED / path.removeprefix("TestCases/")).read_bytes()).hexdigest() == digest


def test_every_expected_result_is_run() -> None:
    """The copied files hold 56 expected results, and none is passed over."""
    assert len(CHECKS) == 56


def test_a_wrong_answer_is_a_miss_with_what_was_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The runner counts what does not hold and says what it wanted: here a changed expectation."""
    folder = tmp_path / "compliance-level-2" / "0006-simpletable-P1"
    shutil.copytree(tck.COPIED / "compliance-level-2" / "0006-simpletable-P1", folder)
    cases = next(folder.glob("*.xml"))
    cases.write_text(cases.read_text("utf-8").replace(">Approved<", ">Perhaps<", 1), "utf-8")
    missed = tck.run(tmp_path)
    assert [why for why in missed.values()] == ["expected 'Perhaps', got 'Approved'"]
    assert "compliance-level-2: 2/3 = 66.7 %, 0/1 folders whole" in capsys.readouterr().out
