"""Tables, one file per concern."""

from .base import Base, Digest, Id, Instant, new_id
from .cases import Case, Incident, Snapshot
from .evidence import Document, LedgerEntry, SealedFile
from .installation import Election, FailedLogIn, KnownKey
from .jobs import OUTLIVING, Job, JobAttempt, OperationPace
from .messages import Message, Subscription
from .people import Account, Department, Holding, Person, WebSession
from .procedures import Chain, ProcedureFile, ProcedureVersion, VersionEvent
from .work import OPEN, Candidate, Draft, SignOff, WorkItem, WorkRound, WorkStep

__all__ = [
    "OPEN",
    "OUTLIVING",
    "Account",
    "Base",
    "Candidate",
    "Case",
    "Chain",
    "Department",
    "Digest",
    "Document",
    "Draft",
    "Election",
    "FailedLogIn",
    "Holding",
    "Id",
    "Incident",
    "Instant",
    "Job",
    "JobAttempt",
    "KnownKey",
    "LedgerEntry",
    "Message",
    "OperationPace",
    "Person",
    "ProcedureFile",
    "ProcedureVersion",
    "SealedFile",
    "SignOff",
    "Snapshot",
    "Subscription",
    "VersionEvent",
    "WebSession",
    "WorkItem",
    "WorkRound",
    "WorkStep",
    "new_id",
]
