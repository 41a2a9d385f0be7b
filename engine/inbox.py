"""What waits for a person, and what they did: lists, counts, and the page of one work item."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import access, boxes, terms
from .casefile import restored, visible_documents
from .chains.giving import Giving
from .chainview import StepView, chain_view
from .choices import Asked
from .documents import DocumentRow
from .errors import NotAllowed, NotFound
from .itemform import ItemForm, item_form
from .ledger import Event as Happened
from .ledger import history
from .models import Case, Person, WorkItem
from .people import directory
from .ports import Json
from .rules import rules_of
from .timeline import Event, element_of, events_of, lanes_en, title_en, versions_of
from .work import drafting, filling
from .work.correcting import Reason, why
from .work.together import approvable

if TYPE_CHECKING:
    from .services import Services


@dataclass(frozen=True, kw_only=True)
class InboxRow:
    """One line of the inbox."""

    sign_off_id: str
    item_id: str
    case_id: str
    number: str
    title: str
    title_en: str
    subject: str
    name: str
    name_en: str
    lane: str | None
    lane_en: str | None
    #: status of the item
    status: str
    opened_at: dt.datetime
    due_at: dt.datetime | None
    overdue: bool
    #: of open work that has a due time
    term: terms.Term | None
    #: the reader holds it, rather than being one of its candidates
    held: bool
    #: name of the absent person in whose place the reader holds it
    in_place_of: str | None
    decided_at: dt.datetime | None
    #: state of the sign-off, such as `approved`
    decision: str
    #: the reader may approve it together with others (`work.approve_together`)
    batch: bool


@dataclass(frozen=True, kw_only=True)
class CopiedRow:
    """One line of the copies that somebody got."""

    copy_id: str
    case_id: str
    #: from which it was sent, with its name; None: from the case as a whole
    item_id: str | None
    name: str | None
    name_en: str | None
    number: str
    title: str
    title_en: str
    subject: str
    #: status of the case
    status: str
    #: who sent it; None: the approval chain did
    by: str | None
    sent_at: dt.datetime
    read_at: dt.datetime | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a list, and how many rows there are in all."""

    rows: Sequence[Any]
    total: int
    #: what the next page begins after; None on the last one
    next: str | None


def inbox(services: Services, person: str, *, box: str = "mine", wanted: boxes.Filter = boxes.ALL, after: str = "", size: int = 20) -> Page:
    """A page of `mine`, `group` (offered to my roles or me), `standing_in` (mine for somebody absent) or `done`.

    `after`: `next` of the page before. Raises NotFound for a box, an order or a due time that does not exist.
    """
    now = services.clock.now()
    rows, total = boxes.page(services.database, box, person, wanted, now, size=size, after=after)
    with services.database.reading() as connection:
        limits = terms.by_signer(connection, services.calendars, [row.item_id for row in rows], now)
        chains = {row.item_id: row.chain_id for row in rows[:size] if row.chain_id and box != "done"}
        batch = approvable(connection, chains, person) if chains else set()
    found = []
    for row in rows[:size]:
        values = row._asdict()
        holder, version_id, element, begun = (values.pop(name) for name in ("person_id", "version_id", "element", "begun_at"))
        del values["chain_id"]
        deployed = services.programs.get(version_id)
        lane_en = lanes_en(deployed).get(row.lane or "")
        english = title_en(services, version_id, row.subject)
        overdue = row.status == "open" and row.due_at is not None and row.due_at < now
        known = deployed.program.elements.get(element)
        term = terms.of(services.calendars, known, begun or row.opened_at, row.due_at, now, limits.get(row.item_id))
        values |= {"overdue": overdue, "term": term if row.status == "open" else None}
        found.append(InboxRow(**values, title_en=english, lane_en=lane_en, held=holder == person, batch=row.item_id in batch))
    return Page(rows=found, total=total, next=found[-1].sign_off_id if len(rows) > size else None)


def copied(services: Services, person: str, *, wanted: boxes.Filter = boxes.ALL, after: str = "", size: int = 20) -> Page:
    """A page of the copies that the person got (抄送我的): what they have not read first, then the newest. `after` as in `inbox`."""
    rows, total = boxes.page(services.database, "copied", person, wanted, services.clock.now(), size=size, after=after)
    found = []
    for row in rows[:size]:
        values = row._asdict()
        english = title_en(services, values.pop("version_id"), row.subject)
        found.append(CopiedRow(**values, title_en=english))
    return Page(rows=found, total=total, next=found[-1].copy_id if len(rows) > size else None)


@dataclass(frozen=True, kw_only=True)
class Named:
    """A work item by what people call it."""

    item_id: str
    name: str
    name_en: str
    number: str
    subject: str


def named(services: Services, item_ids: Sequence[str], *, reader: str) -> list[Named]:
    """Those of the items in which the reader holds, may take or gave a sign-off."""
    columns = (WorkItem.id.label("item_id"), WorkItem.name, WorkItem.name_en, WorkItem.case_id, Case.number, Person.name.label("subject"))
    with services.database.reading() as connection:
        found = sa.select(*columns).join(Case, Case.id == WorkItem.case_id).join(Person, Person.id == Case.subject_id)
        rows = connection.execute(found.where(WorkItem.id.in_(item_ids), Case.subject_id != reader)).all()
        own = [row._asdict() for row in rows if access.takes_part(connection, row.case_id, reader, row.item_id)]
    return [Named(**{name: value for name, value in row.items() if name != "case_id"}) for row in own]


def counts(services: Services, person: str) -> Mapping[str, int]:
    """How much waits: `mine`, of it `standing_in`, `group`, and `overdue` of all; `sent`, their own cases that go on; `copied`, unread."""
    return boxes.counts(services.database, person, services.clock.now())


@dataclass(frozen=True, kw_only=True)
class Choices:
    """By what a box can be filtered; each has `key`, `name` and `name_en`."""

    procedures: Sequence[Any]
    steps: Sequence[Any]
    departments: Sequence[Any]


def choices(services: Services, person: str, box: str) -> Choices:
    """Raises NotFound for a box that does not exist."""
    procedures, steps, departments = boxes.choices(services.database, box, person, services.clock.now())
    return Choices(procedures=procedures, steps=steps, departments=departments)


# --- one work item


@dataclass(frozen=True, kw_only=True)
class ItemPage:
    """Everything the page of a work item shows to one reader."""

    id: str
    case_id: str
    number: str
    title: str
    case_status: str
    subject: Mapping[str, Json]
    element: str
    name: str
    name_en: str
    documentation: str
    lane: str | None
    lane_en: str | None
    status: str
    opened_at: dt.datetime
    due_at: dt.datetime | None
    closed_at: dt.datetime | None
    overdue: bool
    #: of open work that has a due time
    term: terms.Term | None
    for_subject: bool
    #: a chain says who signs, and its key ("" without one)
    chained: bool
    chain: str
    #: form-js schema, or None
    form: Mapping[str, Json] | None
    #: values for the form, the case's own; what it hides is here for its conditions, and goes no further
    values: Mapping[str, Json]
    #: what the reader typed, chose and drew so far, and has not given; its values stand over the case's own
    draft: drafting.Draft | None
    #: what they have written so far as their opinion, in a step of a chain
    opinion: str
    #: case variables to show beside the form; also options for fields with `valuesKey`, and what its expressions may use
    variables: Mapping[str, Json]
    permissions: Mapping[str, str]
    steps: Sequence[StepView]
    #: what the reader may do now: `complete`, `save` a draft, `claim`, `release`; in a chain `approve`, `reject`, `return`, `transfer`,
    #: `delegate`, `add`, `take_back`, `withdraw`, `urge`, or `resolve` where they were asked for an opinion only; `copy`
    may: frozenset[str]
    #: where they may add signers: `before`, `after`, `beside`
    where: Sequence[str]
    #: what whoever decides the step of the chain gives with it; None where it stands at none
    asks: Giving | None
    #: the step for which they name who signs if they approve now
    choice: Asked | None
    #: how the work may come back from where the reader returns it to: `onward`, `back`; empty where that is not for them to choose
    resubmit: Sequence[str]
    #: the initiator corrects the start form in it
    corrects: bool
    #: why it came back, where it did and the reader is told
    sent_back: Reason | None
    documents: Sequence[DocumentRow]
    timeline: Sequence[Event]
    lit: frozenset[str]
    done: frozenset[str]
    version_id: str


def number_of_case(services: Services, item_id: str) -> str:
    """Of the case to which an item belongs, for whoever acted on it. Raises NotFound."""
    with services.database.reading() as connection:
        asked = sa.select(Case.number).join(WorkItem, WorkItem.case_id == Case.id).where(WorkItem.id == item_id)
        number = connection.execute(asked).scalar()
    if number is None:
        raise NotFound(what="work item", name=item_id)
    return str(number)


def item_page(services: Services, item_id: str, *, reader: str) -> ItemPage:
    """Raises NotFound, NotAllowed."""
    with services.database.reading() as connection:
        item = connection.execute(sa.select(WorkItem.__table__).where(WorkItem.id == item_id)).one_or_none()
        if item is None:
            raise NotFound(what="work item", name=item_id)
        case = access.case_row(connection, item.case_id)
        deployed = services.programs.get(case.version_id)
        rules = rules_of(deployed.files)
        sight = access.sight(connection, case, rules, reader)
        if sight.subject and not item.for_subject:
            raise NotAllowed(reason="this work item is not open to you")
        told = sight.whole or access.hears(connection, case.id, reader, item_id)
        known = element_of(versions_of(services, connection, case), item.element)
        if known is None:
            raise NotFound(what="step", name=item.element)
        element = known[1]
        form = item_form(services, connection, known, item, reader, told=told)
        execution = restored(services, connection, case)
        # The task's input mapping says what is shown beside its form to those who fill it in. Once the item is closed those
        # values are gone, and what the case holds under the same names is another matter.
        inside = item.instance if told and item.status == "open" and item.instance in dict(execution.waiting()) else None
        given = {name for name, _ in element.inputs} | (form.variables if item.chain_id else frozenset()) if inside else set()
        if item.corrects and told:
            begun = next(iter(history(connection, services.keyring, case.id, began=Happened.CASE_STARTED)))
            given = set(begun.payload["values"])
        stored = sight.of(execution.variables(inside), also=given)
        everything = functools.partial(execution.variables, item.instance)
        chain = chain_view(services, connection, item, case, rules, reader, everything, told=told, form=form)
        may = chain.may
        if item.chain_id and "approve" not in may:
            form = form.closed()
        elif item.chain_id and filling.can_fill_in(form.access):
            may |= {"save"}
        writes = may & {"save", "approve", "resolve"}
        draft = drafting.read(connection, services.keyring, item_id, reader) if writes else None
        if draft and "save" not in may:
            draft = dataclasses.replace(draft, values={})
        variables = form.visible(stored, draft.values if draft else {})
        documents = visible_documents(connection, case, rules, sight, reader, variables)
        timeline, done = events_of(services, connection, case, deployed, reader=reader, sight=sight)
        answer = {} if item.chain_id or item.status == "open" else _answer(item_id, timeline)
        sent_back = why(services, connection, item.corrects) if item.corrects else _returned(services, connection, item, timeline)
        now = services.clock.now()
        signer = terms.by_signer(connection, services.calendars, [item_id], now).get(item_id)
        return ItemPage(
            id=item.id,
            case_id=case.id,
            number=case.number,
            title=case.title,
            case_status=case.status,
            subject=directory.display(connection, case.subject_id, directory.day(now)),
            element=item.element,
            name=item.name,
            name_en=item.name_en,
            documentation=element.documentation,
            lane=item.lane,
            lane_en=lanes_en(deployed).get(item.lane or ""),
            status=item.status,
            opened_at=item.opened_at,
            due_at=item.due_at,
            closed_at=item.closed_at,
            overdue=item.status == "open" and item.due_at is not None and item.due_at < now,
            term=terms.of(services.calendars, element, item.opened_at, item.due_at, now, signer) if item.status == "open" else None,
            for_subject=item.for_subject,
            chained=item.chain_id is not None,
            chain=chain.chain,
            form=form.schema,
            values={**stored, **answer},
            draft=draft,
            opinion=draft.opinion if draft else "",
            variables=variables,
            permissions=form.access,
            steps=chain.steps,
            may=may,
            where=chain.where,
            asks=chain.asks,
            choice=chain.choice,
            resubmit=chain.resubmit,
            corrects=item.corrects is not None,
            sent_back=sent_back if told else None,
            documents=documents,
            timeline=[_without_hidden(event, form) for event in timeline],
            lit=frozenset({item.element}) if item.status == "open" else frozenset(),
            done=done,
            version_id=case.version_id,
        )


def _returned(services: Services, connection: sa.Connection, item: Any, timeline: Sequence[Event]) -> Reason | None:
    """Why a case was returned to here, where that opened the item: whoever does it again is told, as who sent it back meant it."""
    back = [one for one in timeline if one.event == Happened.CASE_RETURNED and one.element == item.element and one.at == item.opened_at]
    if not back or back[0].actor is None:
        return None
    entry = next(one for one in history(connection, services.keyring, item.case_id) if one.number == back[0].number)
    said = str(entry.payload.get("reason") or "")  # none: it was corrected, and comes again
    return Reason(who=str(back[0].actor["name"]), said=said, at=entry.at) if said else None


def _answer(item_id: str, timeline: Sequence[Event]) -> Mapping[str, Json]:
    """What was submitted with a completed item: the reader's own answer, or anybody's for who sees the whole case."""
    told = (event.detail for event in timeline if event.event == Happened.ITEM_COMPLETED)
    values: Mapping[str, Json] = next((detail["values"] for detail in reversed([*told]) if detail.get("item") == item_id), {})
    return values


def _without_hidden(event: Event, form: ItemForm) -> Event:
    """What was filled in elsewhere in the case, without what the item's form hides."""
    values = event.detail.get("values")
    if not isinstance(values, Mapping) or "hidden" not in form.access.values():
        return event
    return dataclasses.replace(event, detail={**event.detail, "values": form.shown(values)})
