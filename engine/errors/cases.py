"""What a case cannot do now: it is over, goes elsewhere, or its version is suspended."""

from __future__ import annotations

from .asking import NotAllowed
from .sentences import PartwellError


class NoWayBack(NotAllowed):
    """The case reached "{step}" and can no longer be cancelled. The managers of the procedure can still terminate it."""


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


class FlowStuck(PartwellError):
    """The case cannot go on at "{element}": {reason}."""

    status = 422


class VersionSuspended(PartwellError):
    """Case {case} runs on a version of its procedure that is suspended: until a manager resumes the version nothing of it
    moves. Nothing was lost; try again then."""

    status = 409


class StartSuspended(PartwellError):
    """No case of "{procedure}" can be started now: its version {number} is suspended until a manager resumes it. Keep what you
    have entered, and try again then."""

    status = 409


class NobodyWaits(PartwellError):
    """No case waits for the message "{message}" with this key, and no procedure begins with it. Check both, or let it be kept."""

    status = 404
