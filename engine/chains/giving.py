"""What whoever decides a step gives with the decision: an opinion, a drawn signature, attachments; and what goes with several at once.

| field | values | meaning |
|---|---|---|
| `opinion` | `never`, `on_reject`, `always` | an approval takes none, one at will, or needs one; a rejection needs one |
| `signature` | true, false | an approval and a rejection need a signature drawn for them |
| `attachments` | `never`, `allowed`, `required` | files with what is decided, returned or said; `required`: an approval needs one |
| `attachment_types` | some of `KINDS` | what they may be; empty: whatever can be stored |
| `attachment_mb` | 1 to 100 | how large each may be, at most; without it: as large as uploads of the installation |
| `batch` | true, false | may be approved together with others, from a list |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import Sentence
from ..ports import Json

DEFAULTS: Mapping[str, Json] = {
    "opinion": "on_reject",
    "signature": False,
    "attachments": "allowed",
    "attachment_types": [],
    "attachment_mb": None,
    "batch": False,
}
OPINION = ("never", "on_reject", "always")
ATTACHMENTS = ("never", "allowed", "required")
#: kind of attachment -> media types
KINDS: Mapping[str, Sequence[str]] = {
    "pdf": ("application/pdf",),
    "picture": ("image/png", "image/jpeg", "image/webp"),
    "word": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
    "excel": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
    "text": ("text/plain", "text/csv"),
}
_LARGEST_MB = 100


@dataclass(frozen=True, kw_only=True)
class Giving:
    """The fields above, of one step."""

    opinion: str
    signature: bool
    attachments: str
    attachment_types: Sequence[str]
    attachment_mb: int | None
    batch: bool


def of(step: Mapping[str, Json]) -> Giving:
    """What a step that has no fault asks for."""
    return Giving(**{name: value(step, name) for name in DEFAULTS})


def value(step: Mapping[str, Json], name: str) -> Json:
    """A field of a step, or its default. Of `attachments` older drafts say true or false."""
    given = step.get(name)
    if given is None:
        return DEFAULTS[name]
    return ("allowed" if given else "never") if name == "attachments" and isinstance(given, bool) else given


def faults(step: Mapping[str, Json]) -> Iterator[tuple[str, Sentence]]:
    """What is wrong with these fields of a step: field and sentence."""
    for field, choices in (("opinion", OPINION), ("attachments", ATTACHMENTS)):
        if value(step, field) not in choices:
            yield field, Sentence("it must be one of {choices}", {"choices": ", ".join(choices)})
    for field in ("signature", "batch"):
        if not isinstance(value(step, field), bool):
            yield field, Sentence("it must be true or false")
    kinds, largest = value(step, "attachment_types"), value(step, "attachment_mb")
    if not isinstance(kinds, list) or not all(isinstance(kind, str) and kind in KINDS for kind in kinds):
        yield "attachment_types", Sentence("it must be a list of some of {choices}", {"choices": ", ".join(KINDS)})
    if largest is not None and not (type(largest) is int and 1 <= largest <= _LARGEST_MB):
        yield "attachment_mb", Sentence("it must be a whole number from {least} to {most}", {"least": 1, "most": _LARGEST_MB})
    if value(step, "attachments") == "never":
        for field in ("attachment_types", "attachment_mb"):
            if value(step, field):
                yield field, Sentence("it counts only where attachments are allowed; leave it out")
    if value(step, "batch") is True:
        yield from _alone(step)


def _alone(step: Mapping[str, Json]) -> Iterator[tuple[str, Sentence]]:
    """Why a step is approved one by one: it wants something for each, or decides about somebody's employment."""
    wanted = [
        ("opinion", "always") if value(step, "opinion") == "always" else None,
        ("signature", "true") if value(step, "signature") is True else None,
        ("attachments", "required") if value(step, "attachments") == "required" else None,
        ("decisive", "true") if step.get("decisive") is True else None,
    ]
    fields = step.get("fields")
    for name, access in fields.items() if isinstance(fields, Mapping) else ():
        wanted.append((f"fields.{name}", access) if access in ("required", "editable") else None)
    for other, needed in filter(None, wanted):
        yield "batch", Sentence("several are not approved at once where {other} is {value}", {"other": other, "value": needed})
