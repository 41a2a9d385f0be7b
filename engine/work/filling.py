"""表单字段权限: what the signers of a chain's step see of the item's form, and what they give with an approval.

The diagram's `wf.field.*` is the ceiling for every step: what it hides no step shows, what it closes no step opens. Below it a step
opens only what its `fields` name; the rest of the form can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..bpmn.model import Element
from ..chains.steps import WRITING, setting
from ..errors import NotFound
from ..models import Document
from ..ports import NO_FORM, Forms, Json
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
    if named := set(forms.documents(form, clean)):
        own = turn.unit.connection.execute(sa.select(Document.id).where(Document.case_id == turn.case.id, Document.id.in_(named))).scalars()
        for missing in named - set(own):
            raise NotFound(what="document in this case", name=missing)
    return clean
