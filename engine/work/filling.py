"""表单字段权限: what the signers of a chain's step see of the item's form, and what they give with an approval.

The diagram's `wf.field.*` is the ceiling for every step: what it hides no step shows, what it closes no step opens. Below it a step
opens only what its `fields` name; the rest of the form can be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .. import documents
from ..bpmn.model import Element
from ..chains.steps import WRITING, setting
from ..errors import NotFound
from ..models import Document
from ..ports import NO_FORM, File, Forms, Json
from .tasks import permissions

if TYPE_CHECKING:
    from ..turn import Turn


def allowed(forms: Forms, form: Mapping[str, Json], element: Element, asks: Mapping[str, Json]) -> dict[str, str]:
    """Field → `hidden`, `readonly`, `required` or `editable`, for whoever signs the step. `asks`: the step as its chain describes it."""
    found = forms.narrowed(form, setting(asks, "fields"))
    for name, ceiling in permissions(element).items():
        said = found.get(name, "editable")
        if ceiling == "hidden" or (ceiling == "readonly" and said != "hidden") or (ceiling == "required" and said == "editable"):
            found[name] = ceiling
    return found


def read_only(forms: Forms, form: Mapping[str, Json], access: Mapping[str, str]) -> dict[str, str]:
    """The same, where nothing can be filled in."""
    return forms.narrowed(form, {name: "hidden" for name, level in access.items() if level == "hidden"})


def can_fill_in(access: Mapping[str, str]) -> bool:
    """Whether anything can be filled in: something that neither itself nor what it lies in closes."""
    closed = tuple(f"{name}." for name, level in access.items() if level not in WRITING)
    return any(level in WRITING and not f"{name}.".startswith(closed) for name, level in access.items())


def checked(
    turn: Turn, element: Element, instance: str | None, access: Mapping[str, str], values: Mapping[str, Json], locale: str
) -> dict[str, Json]:
    """The clean values of the item's form; documents in it must be the case's own. `instance` None: of the start form.

    Raises FormInvalid, NotFound.
    """
    form = turn.services.programs.form(turn.deployed, element) or NO_FORM
    forms = turn.services.forms
    clean = forms.check(form, values, turn.execution.seen(instance), permissions=access, locale=locale)
    if held := forms.files(form, clean):
        _must_lie_here(turn, instance, form, access, held, clean, locale)
    return clean


def _must_lie_here(
    turn: Turn,
    instance: str | None,
    form: Mapping[str, Json],
    access: Mapping[str, str],
    held: Mapping[str, Sequence[str]],
    clean: Mapping[str, Json],
    locale: str,
) -> None:
    """The documents that the fields hold are the case's own, and new ones of a type that their field takes."""
    named = {one for ids in held.values() for one in ids}
    rows = sa.select(Document.id, Document.name, Document.media_type).where(Document.case_id == turn.case.id, Document.id.in_(named))
    own = {row.id: (row.name, row.media_type) for row in turn.unit.connection.execute(rows)}
    for missing in named - own.keys():
        raise NotFound(what="document in this case", name=missing)
    forms, seen = turn.services.forms, turn.execution.seen(instance)
    before = {one for ids in forms.files(form, seen).values() for one in ids}
    new = {path: [own[one] for one in ids if one not in before] for path, ids in held.items()}
    forms.check_files(form, new, {**seen, **clean}, permissions=access, locale=locale)


def fitting(
    turn: Turn, element: Element, instance: str | None, access: Mapping[str, str], files: Mapping[str, Sequence[File]], locale: str
) -> dict[str, list[File]]:
    """Files that are about to be stored, by the path of their field, as they will be stored.

    Raises FormInvalid for those that their field does not take, and the errors of `documents.checked`.
    """
    limit = turn.services.settings.upload_limit
    checked = {path: [documents.checked(file, limit=limit) for file in held] for path, held in files.items()}
    named = {path: [(file.name, file.media_type) for file in held] for path, held in checked.items()}
    form = turn.services.programs.form(turn.deployed, element) or NO_FORM
    turn.services.forms.check_files(form, named, turn.execution.seen(instance), permissions=access, locale=locale)
    return checked
