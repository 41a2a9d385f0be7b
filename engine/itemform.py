"""The form of a work item as a reader sees it: in a chain only what a step shows to those who sign it, elsewhere as the diagram says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import access
from .bpmn.model import Element
from .bpmn.names import fields
from .bpmn.runtime import Execution
from .models import Chain, WorkItem
from .ports import Forms, Json
from .procedures import Deployed
from .situations import form_variables
from .timeline import element_of, versions_of
from .work import drafting, filling, permissions

if TYPE_CHECKING:
    from .services import Services


@dataclass(frozen=True, kw_only=True)
class ItemForm:
    """A form and what its reader may do with each field of it."""

    #: form-js; None where there is none, or the reader sees nothing of it
    schema: Mapping[str, Json] | None
    #: field → `hidden`, `readonly`, `required` or `editable`
    access: Mapping[str, str]
    #: what shows values and closes fields
    forms: Forms
    #: in a chain the case variables that its signers put their names to
    signed: Set[str] = frozenset()

    def shown(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Values without what the form hides from the reader."""
        return self.forms.shown(self.schema, values, self.access) if self.schema is not None else dict(values)

    def visible(self, values: Mapping[str, Json], typed: Mapping[str, Json]) -> dict[str, Json]:
        """The same without what its conditions hide, too, by the values and what the reader typed over them."""
        return self.forms.visible(self.schema, values, self.access, typed=typed) if self.schema is not None else dict(values)

    @property
    def variables(self) -> frozenset[str]:
        """Case variables in which the values of its fields lie, hidden ones included."""
        return frozenset(name.partition(".")[0] for name in fields(self.schema or {}))

    def closed(self) -> ItemForm:
        """The same form to be read only."""
        if self.schema is None:
            return self
        return replace(self, access=filling.read_only(self.forms, self.schema, self.access))


def item_form(
    services: Services, connection: sa.Connection, known: tuple[Deployed, Element], item: Any, reader: str, *, told: bool
) -> ItemForm:
    """`known`: the item's element in its version; `item`: its row. `told`: the reader takes part in the item, or sees the whole case.

    Who signs the step at which a chain stands has what it gives them. Who signed other steps reads what any of them shows, who has
    a copy what its sender reads, and who only reads the case what the diagram shows.
    """
    schema, forms, element = services.programs.form(*known), services.forms, known[1]
    if not item.chain_id or schema is None:
        return ItemForm(schema=schema, access=permissions(element), forms=forms)
    signed = form_variables(element, schema)
    if not told:
        return ItemForm(schema=None, access={}, forms=forms, signed=signed)
    steps = connection.execute(sa.select(Chain.steps).where(Chain.id == item.chain_id)).scalar_one()
    standing, others = access.steps_signed(connection, item.id, reader)
    if standing is not None:
        given = filling.allowed(forms, schema, element, steps[standing])
    else:
        shown = others or access.steps_copied(connection, item.case_id, item.id, reader)
        given = _read(forms, schema, element, [steps[place] for place in shown])
    return ItemForm(schema=schema, access=given, forms=forms, signed=signed)


def _read(forms: Forms, schema: Mapping[str, Json], element: Element, signed: Sequence[Mapping[str, Json]]) -> dict[str, str]:
    """For reading only: hidden is what all the steps hide, or the diagram."""
    each = [filling.allowed(forms, schema, element, step) for step in signed or ({},)]
    hidden = [name for name in each[0] if all(one.get(name) == "hidden" for one in each)]
    return filling.read_only(forms, schema, dict.fromkeys(hidden, "hidden"))


def shown_to_signer(
    services: Services, connection: sa.Connection, case: Any, execution: Execution, reader: str
) -> Iterator[Mapping[str, Json]]:
    """What the forms of the case's open approvals show to somebody who signs there, by what they typed there, too: values by field, one
    mapping for each form.
    """
    waiting = dict(execution.waiting())
    items = sa.select(WorkItem.__table__).where(WorkItem.case_id == case.id, WorkItem.status == "open", WorkItem.chain_id.is_not(None))
    for item in connection.execute(items).all():
        known = element_of(versions_of(services, connection, case), item.element)
        if known and item.instance in waiting and access.hears(connection, case.id, reader, item.id):
            form = item_form(services, connection, known, item, reader, told=True)
            draft = drafting.read(connection, services.keyring, item.id, reader)
            values = form.visible(execution.variables(item.instance), draft.values if draft else {})
            yield {name: values[name] for name in form.variables if name in values}
