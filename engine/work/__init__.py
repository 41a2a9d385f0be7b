"""A person's work: what may be done with a work item, one file for each family of verbs.

Each verb checks the right to act under the case's lock, so the second of two people at once gets a true answer; what it does to
sign-offs, inboxes, jobs and the ledger is stored together.
"""

from .adding import add, remove
from .choosing import correct, to_correct
from .completing import attach, complete
from .copying import copy, copy_case
from .deciding import approve, reject
from .drafting import save_draft
from .enclosing import ATTACHMENT, draw, enclose
from .holding import claim, release
from .overdue import move_due
from .passing import delegate, reassign, resolve, take_back, transfer
from .reading import read
from .returning import return_, targets
from .standing_in import open_with, stand_in
from .tasks import permissions
from .together import approve_together
from .urging import urge
from .withdrawing import withdraw

__all__ = [
    "ATTACHMENT",
    "add",
    "approve",
    "approve_together",
    "attach",
    "claim",
    "complete",
    "copy",
    "copy_case",
    "correct",
    "delegate",
    "draw",
    "enclose",
    "move_due",
    "open_with",
    "permissions",
    "read",
    "reassign",
    "reject",
    "release",
    "remove",
    "resolve",
    "return_",
    "save_draft",
    "stand_in",
    "take_back",
    "targets",
    "to_correct",
    "transfer",
    "urge",
    "withdraw",
]
