"""The check while somebody draws: the same as `partwell check` and publishing, over what is not saved yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from engine import json_text
from engine.bpmn.findings import Finding
from engine.bpmn.lint.offered import offered
from engine.descriptions import described
from engine.studio import catalogue, checking, drafts

from .. import i18n
from ..accounts import me, services
from ..api.shapes import RequestInvalid
from ..i18n import gettext
from .addresses import data
from .files import body
from .templates import element_templates


@data.post("/<procedure>/check")
def check(procedure: str) -> Any:
    """`{files: {path: text}}`: what is not saved yet; null takes a file away."""
    given = body().get("files", {})
    if not (isinstance(given, dict) and all(isinstance(text, str | None) for text in given.values())):
        raise RequestInvalid(reason="“files” must be an object of texts by path", field="files")
    files = {**drafts.contents(services(), procedure, actor=me().id), **{path: (text or "").encode() for path, text in given.items()}}
    files = {path: content for path, content in files.items() if given.get(path, "") is not None}
    found = checking.findings(services(), files)
    return {
        "findings": {path: told(findings) for path, findings in found.items()},
        "names": offered(files, schemas(files), described(services().operations)),
    }


def told(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings in the reader's language: `{element, name, severity, code, message, line, column?, path?}`."""
    said = []
    for finding in findings:
        way = getattr(finding, "way", None)
        one = finding.as_dict() | {"message": i18n.fill(finding.message, finding.facts)}
        place = {name: one[name] for name in ("element", "name", "severity", "code", "message", "line")}
        column = finding.facts.get("column")
        said.append(place | ({"column": column} if column else {}) | ({"path": list(way)} if way else {}))
    return said


def schemas(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The forms that can be read, by id."""
    found = {}
    for path, content in files.items():
        if path.endswith(".form"):
            try:
                schema = json_text.read(content)
            except ValueError:
                continue
            if isinstance(schema, dict):
                found[PurePosixPath(path).stem] = schema
    return found


@data.get("/<procedure>/catalogue.json")
def show_catalogue(procedure: str) -> Any:
    """What a diagram of this procedure may refer to, in the reader's language: roles by their names, forms by their titles,
    operations also as templates.
    """
    found = catalogue.catalogue(services(), procedure, actor=me().id)
    templates = element_templates((told for _, told in sorted(described(services().operations).items())), i18n.current())
    forms = [form | {"title": i18n.named(form, "title")} for form in found["forms"]]
    return found | {
        "forms": forms,
        "templates": templates,
        "roles": [{"key": role, "name": gettext(role.replace("_", " "))} for role in found["roles"]],
    }
