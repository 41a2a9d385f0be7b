"""What all errors have in common, and the sentences that a fact of theirs may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


class PartwellError(Exception):
    """Something went wrong in Partwell."""

    #: HTTP status with which the web answers.
    status: ClassVar[int] = 500

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(self.message)

    @property
    def template(self) -> str:
        """The untranslated sentence, with places for the facts."""
        return " ".join((type(self).__doc__ or "").split())

    @property
    def message(self) -> str:
        """The sentence in English, with the facts in place."""
        return self.template.format(**{name: told(fact) for name, fact in self.facts.items()})

    @property
    def code(self) -> str:
        """A stable name for programs, such as `already_decided`."""
        name = type(self).__name__
        return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


@dataclass(frozen=True)
class Sentence:
    """What there is to say, in English with `{places}` for the facts; the web translates it as it does an error's.

    A fact may be a sentence itself, or a list of sentences.
    """

    template: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**{name: told(fact) for name, fact in self.facts.items()})


def told(fact: Any) -> Any:
    """A fact as it stands in an English sentence."""
    return "; ".join(map(str, fact)) if isinstance(fact, list) else fact
