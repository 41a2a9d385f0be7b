"""Drafts of procedures: what somebody else did meanwhile, and what keeps a draft from being published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from .sentences import PartwellError


class DraftFileChanged(PartwellError):
    """{who} changed "{file}" at {when}, while you had it open. Nothing was overwritten, and yours is still with you: look at theirs,
    then keep one of them."""

    status = 412

    def __init__(self, *, file: str, who: Any, when: dt.datetime, by: str | None, revision: int | None) -> None:
        #: who changed it, None for the command line or a deployment
        self.by = by
        self.at = when
        #: of the file as it is now, None: there is no such file any more
        self.revision = revision
        super().__init__(file=file, who=who, when=when.isoformat(timespec="minutes"))


class DraftGone(PartwellError):
    """This draft is no longer there: {who} {act} it at {when}. Nothing was changed now; look at the procedure as it is."""

    status = 409


class DraftMovedOn(PartwellError):
    """The draft was changed since you looked at it, last by {who} at {when}. Look at what changes, then try again."""

    status = 409


class DraftBehind(PartwellError):
    """Version {active} is active now, but the draft began from version {base}. Take over what changed there, or say that your draft
    replaces it."""

    status = 409

    def __init__(self, *, active: int, base: Any) -> None:
        #: number of the version that is active now
        self.active = active
        super().__init__(active=active, base=base)


class DraftOpen(PartwellError):
    """There is a draft of this procedure already. Publish or discard it first."""

    status = 409


class NothingToPublish(PartwellError):
    """The draft says the same as version {number}, which is active. There is nothing to publish."""

    status = 409


class PublishingScheduled(PartwellError):
    """Version {number} is scheduled to become active at {when}. Cancel that first, or publish when it has happened."""

    status = 409


class PublicationWaits(PartwellError):
    """{who} began to publish this procedure at {when}, and its scenarios are being played. Wait until that is through, then look again; or
    withdraw it first."""

    status = 409


class PublicationOver(PartwellError):
    """It waits no more: it was published, refused or withdrawn by now. Nothing was changed."""

    status = 409


class NotScheduled(PartwellError):
    """Version {number} does not wait to become active: it was cancelled, or its time has come. Nothing was changed."""

    status = 409


class ScenariosFailed(PartwellError):
    """{count} scenarios fail, so the draft is not published: {names}. Repair the draft or the scenarios, or publish all the same with a
    reason."""

    status = 422

    def __init__(self, *, names: Sequence[str]) -> None:
        self.names = list(names)
        super().__init__(count=len(self.names), names=", ".join(self.names))


class RunsOn(PartwellError):
    """After {seconds} seconds the run was still not at rest and was stopped, at "{step}". Look there for a loop in which nobody has to act
    and no time passes; where there is none, let less happen in one go."""

    status = 422


class NotDecided(PartwellError):
    """Both the draft and the active version changed {files}. Say for each whether the draft's or the active one is kept."""

    status = 422

    def __init__(self, *, files: Sequence[str]) -> None:
        self.files = list(files)
        super().__init__(files=", ".join(self.files))


class TimePassed(PartwellError):
    """{when} has passed. Choose a later time, or publish at once."""

    status = 422


class ChangedInside(PartwellError):
    """These files were changed here since you pulled them: {files}. Pull first: what you did not touch is brought along, and where both
    changed a file, theirs is put beside yours."""

    status = 409

    def __init__(self, *, theirs: Sequence[str], both: Sequence[str]) -> None:
        #: changed here alone, and on both sides
        self.theirs, self.both = list(theirs), list(both)
        super().__init__(files=", ".join(sorted([*theirs, *both])))


class LetterUnused(PartwellError):
    """No step of the procedure makes the letter "{file}", so there is nothing to fill it with. Name it at a step first."""

    status = 422


class LetterNotReached(PartwellError):
    """The scenario "{scenario}" does not come to the step that makes this letter. Choose another one."""

    status = 422
