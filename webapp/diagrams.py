"""The diagram of a case's procedure version as SVG, with what is done and where it stands."""

from __future__ import annotations

from collections.abc import Collection

from engine.bpmn import render

from .accounts import services
from .i18n import current


def diagram(version_id: str, *, done: Collection[str] = (), lit: Collection[str] = ()) -> str:
    """SVG text, empty where the version has no drawn diagram."""
    files = services().programs.get(version_id).files
    source = next((content for path, content in sorted(files.items()) if path.endswith(".bpmn")), None)
    return render.svg(source, done=set(done), lit=set(lit), locale=current()) if source else ""
