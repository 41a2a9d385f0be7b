"""Every error a person can meet. A class's docstring is its message; `{names}` in it are filled with the error's facts.

The web translates the docstring through the catalogues and fills the same facts, so an error reads the same in every
place: page, JSON interface, command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


# --- asking for what is not there, or not allowed


class NotFound(PartwellError):
    """There is no {what} "{name}". It may have been removed, or the address is mistyped."""

    status = 404


class NotAllowed(PartwellError):
    """You may not do this: {reason}. Ask the person named on the case page, or an administrator."""

    status = 403


class TakenByOther(NotAllowed):
    """{who} has taken this work. Ask them to hand it back to the group if you should do it."""


class NoWayBack(NotAllowed):
    """The case reached "{step}" and can no longer be cancelled. The managers of the procedure can still terminate it."""


class AlreadyDecided(PartwellError):
    """This was already decided by {who} at {when}. Nothing of yours was lost; reload to see what happened."""

    status = 409


class DecidedByRule(PartwellError):
    """This was decided by rule, because its time was over. Nothing of yours was lost; reload to see what happened."""

    status = 409


class NotYourTurn(PartwellError):
    """It is not your turn yet: {who} signs or answers first. It is in your inbox again as soon as that is done."""

    status = 409


class MayNotSign(PartwellError):
    """{who} cannot sign here: {reason}. Choose somebody else; nothing was changed."""

    status = 409


class SignsAlready(PartwellError):
    """{who} already signs this step, and nobody signs it twice. Choose somebody else; nothing was changed."""

    status = 409


class MayNotBeTold(PartwellError):
    """{who} cannot be told of this case: {reason}. Choose somebody else; nothing was changed."""

    status = 409


class ActedOn(PartwellError):
    """{who} has already acted on it, so it can no longer be taken back. Ask them to return it, or a manager of the procedure."""

    status = 409


class GoneOn(PartwellError):
    """The case has gone on since: "{element}" has begun or happened, so this can no longer be taken back. Ask a manager of the
    procedure to return the case."""

    status = 409


class UrgedAlready(PartwellError):
    """{who} urged this already at {when}. It can be urged again from {again} on."""

    status = 409


class ItemClosed(PartwellError):
    """This work item is no longer open: {reason}. Reload the case to see where it stands."""

    status = 409


class CaseNotRunning(PartwellError):
    """Case {case} is {state}, so this cannot be done now."""

    status = 409


class CaseVoid(PartwellError):
    """Case {case} is void, and stays so; nothing of it was deleted. Start another case if something is to be done again."""

    status = 409


class EndingAsked(PartwellError):
    """{who} has already asked for that. Another manager of the procedure confirms or declines it on the page of the case."""

    status = 409


class NothingAsked(PartwellError):
    """Nothing in case {case} waits for a second person. Somebody decided it, or the case ended by itself; look at its page."""

    status = 409


class WayClosed(PartwellError):
    """The case cannot go to "{element}": {reason}. Nothing was changed."""

    status = 409


class VersionSuspended(PartwellError):
    """Case {case} runs on a version of its procedure that is suspended: until a manager resumes the version nothing of it
    moves. Nothing was lost; try again then."""

    status = 409


class StartSuspended(PartwellError):
    """No case of "{procedure}" can be started now: its version {number} is suspended until a manager resumes it. Keep what you
    have entered, and try again then."""

    status = 409


class Conflict(PartwellError):
    """This was sent twice, or somebody did the same at that very moment. Reload to see what happened."""

    status = 409


class NobodyWaits(PartwellError):
    """No case waits for the message "{message}" with this key, and no procedure begins with it. Check both, or let it be kept."""

    status = 404


class NobodySigns(PartwellError):
    """Nobody can sign "{step}": whoever the chain names has left or may not decide here, and there is no administrator to
    take it. Give somebody the role, or change the chain; nothing was lost."""

    status = 409


class ConditionFailed(PartwellError):
    """It cannot be told whether the step "{step}" of the approval chain "{chain}" applies. Its condition {expression} failed: {reason}.
    Correct the chain or the data, then have it tried again; nothing was lost."""

    status = 409


class MustBeSigned(PartwellError):
    """Not one step of the approval chain "{chain}" applies to this case, though a person has to decide it. Correct the chain or
    the data, then have it tried again; nothing was lost."""

    status = 409


class SentBack(PartwellError):
    """This was sent back to {who}, who corrects it and sends it again. Nothing of yours was lost; it comes to the signers again then."""

    status = 409


class StepStands(PartwellError):
    """Nobody can sign now: it could not be told who has to, and an administrator must look at the approval chain first. Nothing
    was lost."""

    status = 409


class SubstituteRefused(PartwellError):
    """This substitute was not entered: {reason}. Change what you typed, then send it again."""

    status = 422


class HandoverRefused(PartwellError):
    """This was not handed over: {reason}. Choose somebody else, or change it where it belongs; then hand over again."""

    status = 422


class FormInvalid(PartwellError):
    """Some fields need your attention before this can be saved."""

    status = 422

    def __init__(self, fields: dict[str, list[str]], **facts: Any) -> None:
        #: path of a field -> messages in the person's language
        self.fields = fields
        super().__init__(**facts)


# --- files and letters


class FileEmpty(PartwellError):
    """The file "{name}" is empty. Choose it again, or another one."""

    status = 422


class FileTooLarge(PartwellError):
    """The file "{name}" has {size} MB; at most {limit} MB can be taken. Make it smaller or split it."""

    status = 413


class FileTypeRefused(PartwellError):
    """The file "{name}" cannot be taken: it is no PDF, PNG, JPEG, WebP, Word (docx), Excel (xlsx), text or CSV file."""

    status = 422


class FileInfected(PartwellError):
    """The file "{name}" was not taken: the virus scanner found {finding} in it. Choose another file, and tell whoever gave it to you."""

    status = 422


class FileNotScanned(PartwellError):
    """The file "{name}" cannot be checked for viruses now, so it was not taken. Try again in a few minutes."""

    status = 503


class AttachmentRefused(PartwellError):
    """The file "{name}" cannot be attached here: this step takes {kinds} only. Choose another file."""

    status = 422


class SignatureUnusable(PartwellError):
    """The picture "{name}" cannot be taken as a signature: {reason}. Draw it again, or choose another picture."""

    status = 422


class PdfFailed(PartwellError):
    """The PDF could not be made: {reason}. Correct the template or the data, then try again."""


# --- diagrams, decision tables, expressions


class FileRefused(PartwellError):
    """{file} cannot be used: {reason}."""

    status = 422


class FeelError(PartwellError):
    """The expression "{expression}" failed: {reason}."""

    status = 422

    def __init__(self, *, expression: str, reason: str, position: tuple[int, int] | None = None) -> None:
        #: first and last character of the fault inside the expression, where known
        self.position = position
        # A person must find the expression again, not read all of it; half a character cannot even be printed.
        shown = (expression if len(expression) <= 200 else expression[:200] + "…").encode("utf-8", "replace").decode()
        super().__init__(expression=shown, reason=reason)


class DecisionFailed(PartwellError):
    """The decision "{decision}" gave no answer: {reason}."""

    status = 422


class DecisionInputRefused(DecisionFailed):
    """The decision "{decision}" cannot be made with these data: {reason}."""


class FlowStuck(PartwellError):
    """The case cannot go on at "{element}": {reason}."""

    status = 422


class ValueRefused(PartwellError):
    """The variable "{name}" cannot be stored: {reason}."""

    status = 422


class CalendarUnknown(PartwellError):
    """The calendar "{calendar}" does not know yet which days of {year} are worked. Update the holidays library once the year is
    announced, or enter the year's exceptions and set `announced = {year}`."""

    status = 422


class CalendarEnds(PartwellError):
    """The calendar "{calendar}" leads more than ten years away from {date}. Use a shorter time, or correct the calendar."""

    status = 422


class NotDeployable(PartwellError):
    """The procedure in {path} was not deployed: {count} findings must be repaired first."""

    status = 422

    def __init__(self, findings: list[Any], **facts: Any) -> None:
        #: `engine.bpmn.lint.Finding` of every refused element
        self.findings = findings
        super().__init__(**facts)


class DraftChanged(PartwellError):
    """{who} saved this draft at {when}, while you had it open. Yours is still on this page: compare the two, then save again."""

    status = 409


class ChainRefused(PartwellError):
    """The approval chain "{chain}" cannot be published: {faults}."""

    status = 422

    def __init__(self, *, chain: str, found: Sequence[Any]) -> None:
        #: `engine.chains.steps.Fault` of everything that must be repaired
        self.found = found
        super().__init__(chain=chain, faults=[fault.sentence for fault in found])


# --- operations of connectors: the three kinds of failure (the job decides what follows)


class OperationFailed(PartwellError):
    """{system} could not do {operation}: {reason}."""

    status = 502

    def __init__(self, *, system: str, operation: str, reason: str, answer: str | None = None) -> None:
        #: what the other side said, as text, where it said anything
        self.answer = answer
        super().__init__(system=system, operation=operation, reason=reason)


class TryAgain(OperationFailed):
    """{system} did not answer {operation} this time: {reason}. It is tried again."""

    def __init__(self, *, system: str, operation: str, reason: str, answer: str | None = None, after: float | None = None) -> None:
        #: seconds the other side asked us to wait
        self.after = after
        super().__init__(system=system, operation=operation, reason=reason, answer=answer)


class GaveUp(OperationFailed):
    """{system} did not answer {operation}, and no attempt is left: {reason}. Try again when it works, or answer by hand."""


class Refused(OperationFailed):
    """{system} refused {operation}: {reason}. Trying again would not help; correct the input or answer by hand."""


class NeedsPerson(OperationFailed):
    """{system} answered {operation} in a way that a person must look at: {reason}."""


class IdsRefused(PartwellError):
    """Line {line}, "{column}": {reason}. Nothing was stored."""

    status = 422


# --- configuration, keys, state, evidence


class SettingWrong(PartwellError):
    """The setting {setting} is wrong: {reason}."""


class KeyMissing(PartwellError):
    """The key "{key}" is needed to read this record and is not in the key file {path}. Restore it from the backup of the keys."""


class OtherKeys(PartwellError):
    """The key file {path} is not the one that this database was written with (key "{key}"). Copy the key file from a machine
    that works, or restore it from the backup of the keys; nothing was changed."""


class SealBroken(PartwellError):
    """The stored value {purpose} was altered or belongs to another record. Restore it from a backup; it is not used."""


class ReplayStopped(PartwellError):
    """The case cannot be rebuilt past entry {entry} of its ledger: {reason}"""


class StateUnreadable(PartwellError):
    """The stored state of case {case} cannot be read: {reason}. Restore the database from a backup; nothing was changed."""


class DatabaseAway(PartwellError):
    """The database did not answer just now. Please send this again in a moment; what was already stored is not done twice."""

    status = 503


class DiskFull(PartwellError):
    """The database has no room left, so nothing was stored. Make room on its disk, then send this again."""

    status = 507


class BundleInvalid(PartwellError):
    """The file {file} is not a sealed file of Partwell: {reason}."""

    status = 422
