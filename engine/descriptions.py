"""How operations describe themselves: what a diagram gives them, what comes back, and how they may fail.

A check of diagrams, the palette of an editor and a list of operations are all made from the same description, so that what is
offered, what is checked and what is called cannot drift apart. Texts come in pairs, Chinese and English, because a connector knows
no catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .ports import Json, Operation

#: `date`: a day such as 2026-12-01; `money_fen`: whole fen; `person`: id of a person of the directory; `context`: an object
Type = Literal["text", "number", "date", "money_fen", "boolean", "person", "list", "context"]


@dataclass(frozen=True)
class Choice:
    """One of the values that an input takes."""

    value: str
    label: str
    label_en: str


@dataclass(frozen=True)
class Parameter:
    """An input of the task, or one of its fixed texts (header), by the name that the operation reads."""

    name: str
    label: str
    label_en: str
    type: Type = "text"
    #: the operation refuses a call without it
    required: bool = False
    #: what is proposed: a text, or FEEL beginning with "="; "" for nothing
    default: str = ""
    #: the only values that it takes; empty: any of the type
    choices: Sequence[Choice] = ()


@dataclass(frozen=True)
class Result:
    """Something in the answer, by its name there; dots lead into objects, as in `contract.end`."""

    name: str
    label: str
    label_en: str
    type: Type = "text"


@dataclass(frozen=True)
class Fault:
    """How a call may fail for good, by the code that an error boundary event catches."""

    code: str
    label: str
    label_en: str


REFUSED = Fault("refused", "对方拒绝，或数据不符合要求", "The other side refused it, or the data were not as needed")
NEEDS_PERSON = Fault("needs_person", "答复存疑，须由人处理", "The answer is doubtful and somebody must look at it")
GAVE_UP = Fault("gave_up", "多次尝试仍无答复", "No answer after the last attempt")


@dataclass(frozen=True, kw_only=True)
class Description:
    """An operation as its users see it. Whoever changes what it takes or gives raises `version`."""

    name: str
    label: str
    label_en: str
    description: str = ""
    description_en: str = ""
    #: name of a sign among those of the product
    icon: str = "plug-connected"
    #: 1 or more, higher with each change of inputs, headers or outputs
    version: int = 1
    #: it changes nothing outside; told by the operation itself
    reads: bool = False
    inputs: Sequence[Parameter] = ()
    #: whether it takes other inputs, too: what a letter shows, what is handed on to a system as it is
    open: bool = False
    headers: Sequence[Parameter] = ()
    #: parts of the answer; None: not told, so nothing can be said about them
    outputs: Sequence[Result] | None = None
    errors: Sequence[Fault] = (REFUSED, NEEDS_PERSON, GAVE_UP)
    #: attempts that are recommended
    retries: int = 5
    #: the variable that is proposed for the whole answer; "" for none
    variable: str = ""

    def as_dict(self) -> dict[str, Json]:
        """The same as JSON; outputs that are not told are an empty list."""
        return {**asdict(self), "outputs": [asdict(each) for each in self.outputs or ()]}


def described(operations: Mapping[str, Operation]) -> dict[str, Description]:
    """The description of each operation by its name. One that tells nothing of itself has its name, and anything may go in and out."""
    return {name: _described(name, operation) for name, operation in operations.items()}


def _described(name: str, operation: Operation) -> Description:
    given: Sequence[Description] = getattr(operation, "descriptions", ())
    told = next((each for each in given if each.name == name), None) or Description(name=name, label=name, label_en=name, open=True)
    return replace(told, reads=bool(getattr(operation, "reads", False)))
