"""`partwell check`: findings for files and folders as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine import checks
from engine.bpmn import convert, lint
from engine.bpmn.folder import needed
from engine.bpmn.order import RULES
from engine.bpmn.reader import LARGEST
from engine.chains.shipped import CHAINS
from engine.errors import NotFound, PartwellError
from engine.settings import Settings

from . import FORMS, form_checker, told_of_operations

#: what is looked for in a folder
_READ = (".bpmn", *convert.ENDINGS, ".dmn")
#: what else of the folder these may refer to
_BESIDE = (".bpmn", ".dmn", ".form", ".json", ".html", ".typ", ".txt")


def check_paths(
    paths: Iterable[Path], *, write: Path | None = None, tell: Callable[[lint.Finding], str] = lambda finding: finding.text
) -> list[dict[str, Any]]:
    """`{file, accepted, converted, findings: [{line, element, name, severity, code, message}]}` of every file named and of every diagram
    and table in a named folder.

    Files of one folder belong together: a diagram finds its tables, forms and rules there, and shipped forms by their id. A file
    named alone is judged with what it needs of its folder, as it is deployed. Diagrams from elsewhere are judged as they run here
    after conversion; `write` is a folder that gets what was converted; `tell` gives the message. Raises NotFound for a folder without
    a diagram or table.
    """
    checked = []
    forms = form_checker(Settings.zone)
    shipped = {f"forms/{form.stem}.form": form.read_bytes() for form in FORMS.glob("*.form")}
    paths = list(paths)
    whole = {folder for path in paths if path.is_dir() for folder in (path, *(p for p in path.rglob("*") if p.is_dir()))}
    folders = _by_folder(paths)
    for folder, wanted in folders.items():
        files, names, unread = dict(shipped), dict[Path, str](), dict[Path, str]()
        for path in [*wanted, *_beside(folder)]:
            try:
                content = _content(path)
            except OSError as error:
                unread[path] = error.strerror or str(error)
            else:
                names[path] = _name(path, folder, content)
                files[names[path]] = content
        if folder not in whole:
            files = needed(files, *(names[path] for path in wanted if path in names))
        conversion = convert.convert(files)
        try:
            found = checks.check(files, forms, operations=None, told=told_of_operations(), chain_keys=None, apart=True)
        except PartwellError as error:
            found = {names[path]: [lint.broken_file(error.message)] for path in wanted if path in names}
        for path in wanted:
            findings = [lint.broken_file(unread[path])] if path in unread else _of_diagram(names[path], conversion.files, found)
            accepted = not any(finding.severity == "error" for finding in findings)
            said = [{**finding.as_dict(), "message": tell(finding)} for finding in findings]
            checked.append(
                {"file": str(path), "accepted": accepted, "converted": names.get(path) in conversion.originals, "findings": said}
            )
        if write is not None:
            _write(write / folder.name if len(folders) > 1 else write, conversion, files)
    return checked


def _write(folder: Path, conversion: convert.Conversion, came: Mapping[str, bytes]) -> None:
    """What was converted and made, and the files it came from."""
    made = {path: content for path, content in conversion.files.items() if came.get(path) != content}
    for path, content in {**made, **{convert.original(path): content for path, content in conversion.originals.items()}}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _of_diagram(name: str, files: Mapping[str, bytes], found: Mapping[str, list[lint.Finding]]) -> list[lint.Finding]:
    """A file's own findings; a diagram has those of the rules, chains and forms it is deployed with, too."""
    if not name.endswith(".bpmn"):
        return found.get(name, [])
    used = [f"forms/{form}.form" for form in sorted(lint.forms_named({name: files[name]}))]
    return [finding for each in (name, *used, RULES, CHAINS) for finding in found.get(each, [])]


def _by_folder(paths: Iterable[Path]) -> dict[Path, Sequence[Path]]:
    wanted: dict[Path, list[Path]] = {}
    for path in paths:
        found = sorted(p for p in path.rglob("*") if _is_read(p.relative_to(path)) and p.is_file()) if path.is_dir() else [path]
        if not found:
            raise NotFound(what="diagram or table (*.bpmn, *.dmn) in the folder", name=path)
        for file in found:
            if file not in wanted.setdefault(file.parent, []):
                wanted[file.parent].append(file)
    return dict(wanted)


def _is_read(path: Path) -> bool:
    return path.name.lower().endswith(_READ) and path.parts[0] != convert.ORIGINALS


def _beside(folder: Path) -> list[Path]:
    places = (folder, folder / "forms", folder / "letters")
    found = [p for place in places if place.is_dir() for p in place.iterdir() if p.is_file()]
    return [p for p in found if p.suffix.lower() in _BESIDE or p.name.lower().endswith(_READ)]


def _content(path: Path) -> bytes:
    """The file's bytes, and no more of them than it takes to be refused for its size."""
    if not path.is_file():
        raise OSError("it is no ordinary file")
    with path.open("rb") as opened:
        return opened.read(LARGEST + 1)


def _name(path: Path, folder: Path, content: bytes) -> str:
    """The name inside the folder; a file whose ending says nothing is taken for what it holds."""
    name = path.relative_to(folder).as_posix()
    if path.suffix.lower() in _BESIDE:
        return name
    return f"{name}.dmn" if b"/DMN/" in content[:4096] else f"{name}.bpmn"
