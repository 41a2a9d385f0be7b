"""What a diagram may refer to in this installation and in the draft: operations, chains, roles, forms, decisions, processes, calendars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import json_text
from ..bpmn import outline
from ..chains import shipped
from ..chains import versions as chain_versions
from ..descriptions import described
from ..models import Holding
from ..ports import Json
from . import drafts, rows

if TYPE_CHECKING:
    from ..services import Services


def catalogue(services: Services, procedure: str, *, actor: str | None) -> dict[str, Json]:
    """`{operations, chains, roles, forms, decisions, processes, calendars}`, each a list. Raises NotAllowed, NotFound."""
    with services.database.reading() as connection:
        active = rows.must_edit(services, connection, procedure, actor)
        files = drafts.all_files(services, connection, procedure, active)
        chains = {row.key: (row.name, row.name_en) for row in chain_versions.chains(connection, services.clock.now())}
        roles = connection.execute(sa.select(Holding.role).distinct().order_by(Holding.role)).scalars().all()
    for key, chain in shipped.chains(files).items():
        chains.setdefault(key, (chain["name"], chain["name_en"]))
    return {
        "operations": [told.as_dict() for _, told in sorted(described(services.operations).items())],
        "chains": [{"key": key, "name": name, "name_en": name_en} for key, (name, name_en) in sorted(chains.items())],
        "roles": list(roles),
        "forms": list(_forms(files)),
        "decisions": [one for path, content in files.items() if path.endswith(".dmn") for one in outline.decisions(content, path)],
        "processes": [one for path, content in files.items() if path.endswith(".bpmn") for one in outline.executable(content, path)],
        "calendars": sorted(services.calendars.names),
    }


def _forms(files: Mapping[str, bytes]) -> Iterator[dict[str, Json]]:
    for path, content in files.items():
        if path.endswith(".form"):
            try:
                schema = json_text.read(content)
            except ValueError:
                continue
            if isinstance(schema, dict):
                id = PurePosixPath(path).stem
                titles = {name: str(schema.get(name) or schema.get("title") or id) for name in ("title", "title_en")}
                yield {"id": id, **titles, "file": path, "fields": list(_fields(schema, ""))}


def _fields(schema: Mapping[str, Any], prefix: str) -> Iterator[dict[str, Json]]:
    """`{key, label, type}` of each field, with a dotted key inside groups; of a list, not of its rows."""
    listed = schema.get("components")
    for component in listed if isinstance(listed, list) else ():
        if not isinstance(component, Mapping):
            continue
        kind, path, key = component.get("type"), component.get("path"), component.get("key")
        if kind == "group":
            yield from _fields(component, f"{prefix}{path}." if path else prefix)
        elif isinstance(name := path if kind == "dynamiclist" else key, str) and name:
            label = str(component.get("label") or component.get("dateLabel") or name)
            english = (component.get("properties") or {}).get("label_en")
            yield {"key": f"{prefix}{name}", "label": label, "label_en": english or label, "type": str(kind)}
