"""Why something was refused that nobody waits for, as it is kept: sentences that are told in each reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import NotDeployable, PartwellError, Sentence
from ..ports import Json

#: findings that are kept
_MOST = 20


def reasons(error: PartwellError) -> list[Sentence]:
    """What an error says: each finding where it has some."""
    if isinstance(error, NotDeployable):
        return [Sentence(finding.message, finding.facts) for finding in error.findings[:_MOST]]
    return [Sentence(error.template, error.facts)]


def kept(sentences: Sequence[Sentence]) -> list[Json]:
    """As JSON: {template, facts}; a sentence among the facts in English."""
    return [{"template": each.template, "facts": _plain(each.facts)} for each in sentences]


def _plain(facts: Mapping[str, Any]) -> dict[str, Json]:
    return {name: fact if isinstance(fact, str | int | float | bool | None) else str(fact) for name, fact in facts.items()}
