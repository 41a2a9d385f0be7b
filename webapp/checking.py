"""`partwell check`: findings for files and folders as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from engine import procedures
from engine.bpmn import lint
from engine.errors import PartwellError
from engine.settings import Settings

from . import FORMS, form_checker

#: what is read as a file of its own in the answer
_READ = (".bpmn", ".dmn")
#: what else of the folder they may refer to
_BESIDE = (".bpmn", ".dmn", ".form", ".json", ".typ", ".txt")


def check_paths(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """`{file, accepted, findings: [{element, severity, code, message}]}` of every diagram and table named or in a named folder.

    Files of one folder belong together: a diagram finds its tables, forms and rules there, and shipped forms by their id.
    """
    checked = []
    forms = form_checker(Settings.zone)
    for folder, wanted in _by_folder(paths).items():
        files: dict[str, bytes] = {}
        unread: dict[Path, str] = {}
        for path in sorted({*wanted, *_beside(folder)}):
            try:
                files[path.relative_to(folder).as_posix()] = path.read_bytes()
            except OSError as error:
                unread[path] = error.strerror or str(error)
        shipped = {f"forms/{form.stem}.form": form.read_bytes() for form in FORMS.glob("*.form")}
        try:
            found = procedures.check({**shipped, **files}, forms, operations=None, chain_keys=None)
        except PartwellError as error:
            found = {path.relative_to(folder).as_posix(): [lint.broken_file(error.message)] for path in wanted}
        for path in wanted:
            findings = found.get(path.relative_to(folder).as_posix(), [])
            if path in unread:
                findings = [lint.broken_file(unread[path])]
            checked.append(
                {
                    "file": str(path),
                    "accepted": not any(finding.severity == "error" for finding in findings),
                    "findings": [finding.as_dict() for finding in findings],
                }
            )
    return checked


def _by_folder(paths: Iterable[Path]) -> dict[Path, Sequence[Path]]:
    wanted: dict[Path, list[Path]] = {}
    for path in paths:
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in _READ and p.is_file()) if path.is_dir() else [path]
        for file in found:
            if file not in wanted.setdefault(file.parent, []):
                wanted[file.parent].append(file)
    return dict(wanted)


def _beside(folder: Path) -> list[Path]:
    places = (folder, folder / "forms", folder / "letters")
    return [p for place in places if place.is_dir() for p in place.iterdir() if p.is_file() and p.suffix.lower() in _BESIDE]
