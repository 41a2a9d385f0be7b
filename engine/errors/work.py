"""What a work item or a sign-off cannot take from this person now."""

from __future__ import annotations

from .asking import NotAllowed
from .sentences import PartwellError


class TakenByOther(NotAllowed):
    """{who} has taken this work. Ask them to hand it back to the group if you should do it."""


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


class SentBack(PartwellError):
    """This was sent back to {who}, who corrects it and sends it again. Nothing of yours was lost; it comes to the signers again then."""

    status = 409


class StepStands(PartwellError):
    """Nobody can sign now: it could not be told who has to, and a manager of the procedure must look at the approval chain first. Nothing
    was lost."""

    status = 409


class DraftSavedElsewhere(PartwellError):
    """You saved this draft in another window at {when}. What you have here was not saved; see what is there, then save again with its
    revision to put yours in its place."""

    status = 409
