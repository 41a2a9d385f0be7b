"""Runs cases of the DMN TCK (the folder `TestCases` of dmn-tck/tck on GitHub): `python tests/conformance/tck.py [DIR]`.

Without DIR the copied models, where every miss must be pinned in `known_misses.tsv`; with DIR a checkout of the suite: figures, and
the list of what failed in a file. Every resultNode is one check. Where the standard answers null because somebody made a mistake,
Partwell refuses and says why (`engine.bpmn.decisions`); such a refusal is the expected null, and is counted.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from engine.bpmn.decisions import Decisions
from engine.errors import DecisionFailed, FileRefused, NotFound

HERE = Path(__file__).parent
COPIED = HERE / "dmn-tck"
MISSES = HERE / "known_misses.tsv"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
NUMBERS = {"decimal", "double", "integer", "int", "float", "long"}
NOW = dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)
TEMPORAL = {"date", "time", "dateTime", "duration", "dayTimeDuration", "yearMonthDuration"}


@dataclass(frozen=True)
class Check:
    """One expected result."""

    model: Path
    case: str
    #: name of the decision or the decision service
    asked: str
    #: name of the result: the decision's, or that of one of the decisions that a service answers with
    name: str
    inputs: dict[str, Any]
    expected: Any

    @property
    def key(self) -> tuple[str, str, str]:
        return self.model.parent.name, self.case, self.name


@dataclass(frozen=True)
class Temporal:
    """Text that is a date, time or duration; equal to another spelling of the same."""

    text: str

    def __str__(self) -> str:
        return self.text


def children(element: etree._Element, *names: str) -> list[etree._Element]:
    return [child for child in element if isinstance(child.tag, str) and etree.QName(child).localname in names]


def value(element: etree._Element) -> Any:
    """An inputNode, expected, item or component element as JSON; dates, times and durations as `Temporal`."""
    if element.get(XSI + "nil") == "true":
        return None
    for child in children(element, "value", "list"):
        if child.get(XSI + "nil") == "true":
            return None
        if etree.QName(child).localname == "list":
            return [value(item) for item in children(child, "item")]
        text, kind = child.text or "", (child.get(XSI + "type") or "string").rpartition(":")[2]
        if kind in NUMBERS:
            return float(text) if re.search(r"[.eE]|INF|NaN", text) else int(text)
        if kind in TEMPORAL:
            return Temporal(text.strip())
        return text.strip() == "true" if kind == "boolean" else text
    components = children(element, "component")
    return {component.get("name"): value(component) for component in components} if components else None


def checks(folder: Path) -> Iterator[Check]:
    """Every resultNode below `folder`, in order."""
    for file in sorted(folder.rglob("*.xml")):
        root = etree.parse(file).getroot()
        if etree.QName(root).localname != "testCases":
            continue
        names = children(root, "modelName")
        model = file.parent / (names[0].text or "" if names else "")
        if not model.is_file():
            model = sorted(file.parent.glob("*.dmn"))[0]
        for number, case in enumerate(children(root, "testCase"), 1):
            inputs = {node.get("name", ""): value(node) for node in children(case, "inputNode")}
            for node in children(case, "resultNode"):
                name = node.get("name", "")
                asked = case.get("invocableName", "") if case.get("type") == "decisionService" else name
                expected = children(node, "expected")
                yield Check(model, case.get("id") or str(number), asked, name, inputs, value(expected[0]) if expected else None)


def plain(given: Any) -> Any:
    """`given` as a case would hold it."""
    if isinstance(given, Temporal):
        return given.text
    if isinstance(given, list):
        return [plain(item) for item in given]
    return {name: plain(item) for name, item in given.items()} if isinstance(given, dict) else given


def spelled(text: str) -> Any:
    """A date, time or duration in one spelling: months and seconds of a duration, `Z` for UTC, no empty fractions."""
    found = re.fullmatch(r"(-)?P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", text)
    if found:
        years, months, days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
        sign = -1 if found[1] else 1
        return sign * (years * 12 + months), sign * (days * 86400 + hours * 3600 + minutes * 60 + seconds)
    text = re.sub(r"(\+00:00|-00:00|@Etc/UTC|@UTC)$", "Z", text)
    return re.sub(r"\.0*(?=Z|[+\-@]|$)", "", re.sub(r"(\.\d*?)0+(?=Z|[+\-@]|$)", r"\1", text))


def same(expected: Any, got: Any) -> bool:
    """Numbers to 8 digits, dates in whatever spelling."""
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, (int, float)) and isinstance(got, (int, float)):
        return abs(expected - got) <= 1e-8 * max(1, abs(expected), abs(got))
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(same, expected, got))
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(same(expected[key], got[key]) for key in expected)
    if isinstance(expected, Temporal):
        return isinstance(got, str) and spelled(expected.text) == spelled(got)
    return type(expected) is type(got) and bool(expected == got)


class Suite:
    """Reads each model once."""

    def __init__(self) -> None:
        self._models: dict[Path, tuple[Decisions, dict[str, str]] | str] = {}

    def answer(self, check: Check) -> tuple[Any, str]:
        """(value, why it was refused)."""
        model = self._model(check.model)
        if isinstance(model, str):
            return ..., model
        decisions, ids = model
        try:
            answer = decisions.decide(ids.get(check.asked, check.asked), plain(check.inputs), now=NOW).value
        except (DecisionFailed, NotFound) as error:
            return None, error.message
        several = check.asked != check.name and isinstance(answer, dict) and check.name in answer
        return answer[check.name] if several else answer, ""

    def _model(self, path: Path) -> tuple[Decisions, dict[str, str]] | str:
        if path not in self._models:
            content = path.read_bytes()
            beside = {other.name: other.read_bytes() for other in path.parent.glob("*.dmn") if other != path}
            ids = {
                e.get("name", ""): e.get("id") or e.get("name", "")
                for e in children(etree.fromstring(content), "decision", "decisionService")
            }
            try:
                self._models[path] = Decisions(content, file=path.name, beside=beside), ids
            except FileRefused as error:
                self._models[path] = error.message
        return self._models[path]


def known_misses() -> dict[tuple[str, str, str], str]:
    """(folder, test case, name) of the copied models -> why Partwell answers otherwise."""
    rows = (line.split("\t") for line in MISSES.read_text("utf-8").splitlines()[1:])
    return {(folder, case, name): reason for folder, case, name, reason in rows}


def run(folder: Path) -> dict[tuple[str, str, str], str]:
    """Print how many checks of each level hold; (folder, test case, name) -> what went wrong, of the others."""
    suite = Suite()
    missed: dict[tuple[str, str, str], str] = {}
    total: Counter[str] = Counter()
    held: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    folders: dict[str, Counter[str]] = {}
    for check in checks(folder):
        level = check.model.parent.parent.name
        got, why = suite.answer(check)
        total[level] += 1
        of = folders.setdefault(f"{level}/{check.model.parent.name}", Counter())
        of["all"] += 1
        if same(check.expected, got):
            held[level] += 1
            refused[level] += bool(why)
            continue
        of["missed"] += 1
        missed[check.key] = f"expected {plain(check.expected)!r}, got {'a refusal' if why else repr(got)}{': ' + why if why else ''}"
    for name, of in folders.items():
        if of["missed"]:
            print(f"  {name}: {of['all'] - of['missed']}/{of['all']}")
    for level in total:
        whole = sum(1 for name, of in folders.items() if name.startswith(level + "/") and not of["missed"])
        of_all = sum(1 for name in folders if name.startswith(level + "/"))
        print(
            f"{level}: {held[level]}/{total[level]} = {100 * held[level] / total[level]:.1f} %, {whole}/{of_all} folders whole; "
            f"{refused[level]} nulls are refusals with a reason"
        )
    return missed


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else COPIED
    missed = run(folder)
    lines = "".join("\t".join((*key, why.replace("\n", " ").replace("\t", " "))) + "\n" for key, why in sorted(missed.items()))
    if folder != COPIED:
        failing = Path("tck-missed.tsv")
        failing.write_text("folder\ttest case\tname\twhat\n" + lines, "utf-8")
        print(f"{len(missed)} missed, listed in {failing}")
        return 0
    pinned = known_misses()
    for key in missed.keys() - pinned.keys():
        print("missed, but not pinned:", *key, missed[key], sep=" | ")
    for key in pinned.keys() - missed.keys():
        print("pinned as a miss, but right:", *key, sep=" | ")
    return int(missed.keys() != pinned.keys())


if __name__ == "__main__":
    sys.exit(main())
