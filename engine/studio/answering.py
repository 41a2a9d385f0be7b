"""What operations answer where nothing may be sent out: what was said for them, what is calculated here, what a sample company has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from typing import Any

from ..errors import NeedsPerson, NotFound, OperationFailed, Refused, TryAgain
from ..ports import Answer, Call, Json, Operation

#: how an operation may fail, by the code that an error event catches; `gave_up` fails at each attempt
FAILURES: Mapping[str, type[OperationFailed]] = {"gave_up": TryAgain, "refused": Refused, "needs_person": NeedsPerson}
#: what a sample company answers a call, as on a day; raises NotFound where it has no such operation
Sample = Callable[[Call, dt.date], Json]


def over(base: Json, changes: Json) -> Json:
    """`changes` laid over `base`: objects key by key, everything else as a whole."""
    if isinstance(base, Mapping) and isinstance(changes, Mapping):
        return {**base, **{name: over(base.get(name), value) for name, value in changes.items()}}
    return deepcopy(changes)


class Answers:
    """Answers every operation of a sandbox. Nothing leaves it."""

    def __init__(self, own: Sequence[Operation], sample: Sample, made: dt.date, *, reads: Collection[str] = ()) -> None:
        """`own`: operations that calculate and send nothing, and are therefore really carried out; `made`: the sample company's day;
        `reads`: names of its operations that change nothing.
        """
        self._own = {name: operation for operation in own for name in operation.names}
        self._sample = sample
        self._reads = frozenset(reads)
        self.made = made
        #: hears every call, and may answer it before anybody else does
        self.listener: Callable[[Call], Answer | None] = lambda call: None
        #: by operation, from now on: {"value": what lies over the sample's answer} or {"fails": one of `FAILURES`, "reason"}
        self.said: dict[str, Mapping[str, Json]] = {}
        #: the same for one call alone, by its key; its value is the whole answer
        self.once: dict[str, Mapping[str, Json]] = {}

    def operations(self, names: Collection[str], known: Mapping[str, Operation]) -> dict[str, Operation]:
        """These and its own, by name; `known`: as an installation has them, which tell what they are like."""
        every = sorted({*names, *self._own, *known})
        found: dict[str, Operation] = {}
        for name in every:
            like = self._own.get(name) or known.get(name)
            reads = name in self._reads if like is None else bool(getattr(like, "reads", False))
            found[name] = _Answered(self, name, like, reads=reads)
        return found

    def call(self, call: Call) -> Answer:
        """Raises as `Operation.call`; NeedsPerson where nobody has said what the operation answers."""
        if (answer := self.listener(call)) is not None:
            return answer
        once = self.once.get(call.key)
        said = once if once is not None else self.said.get(call.operation, {})
        if "fails" in said:
            reason = str(said.get("reason") or "the sandbox was told to let it fail")
            raise FAILURES[str(said["fails"])](system="sandbox", operation=call.operation, reason=reason)
        if once is not None:
            return Answer(value=once["value"])
        usual = self.usual(call)
        if usual is None and "value" not in said:
            raise NeedsPerson(system="sandbox", operation=call.operation, reason="nobody has said what it answers here")
        if "value" not in said:
            assert usual is not None
            return usual
        return Answer(value=over(usual.value if usual else None, said["value"]), files=usual.files if usual else ())

    def usual(self, call: Call) -> Answer | None:
        """What it answers where nothing else is said; None where nobody knows. Raises as the operations that are carried out."""
        if own := self._own.get(call.operation):
            return own.call(call)
        try:
            return Answer(value=self._sample(call, self.made))
        except NotFound:
            return None


class _Answered:
    """One operation of a sandbox. What else the installation's operation tells of itself is told by this one, too."""

    def __init__(self, answers: Answers, name: str, like: Operation | None, *, reads: bool) -> None:
        self.names: Sequence[str] = (name,)
        self.reads = reads
        self._answers = answers
        self._like = like

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or self._like is None:
            raise AttributeError(name)
        return getattr(self._like, name)

    def call(self, call: Call) -> Answer:
        return self._answers.call(call)

    def check(self) -> Sequence[str]:
        return ()
