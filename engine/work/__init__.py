"""A person's work: what may be done with a work item, one file for each family of verbs.

Each verb checks the right to act under the case's lock, so the second of two people at once gets a true answer; what it does to
sign-offs, inboxes, jobs and the ledger is stored together.
"""

from .completing import attach, complete, save_draft
from .deciding import approve, reject
from .holding import claim, release
from .tasks import NO_FORM, answer_purpose, draft_purpose, permissions

__all__ = [
    "NO_FORM",
    "answer_purpose",
    "approve",
    "attach",
    "claim",
    "complete",
    "draft_purpose",
    "permissions",
    "reject",
    "release",
    "save_draft",
]
