"""Tables, one file per concern."""

from .base import Base, Instant, new_id
from .cases import Case, Incident, Snapshot
from .evidence import Document, LedgerEntry, SealedFile
from .jobs import Job, JobAttempt
from .messages import Message, Subscription
from .people import Account, Department, Holding, Person, WebSession
from .procedures import Chain, ProcedureFile, ProcedureVersion, VersionEvent
from .work import Candidate, Draft, SignOff, WorkItem, WorkRound, WorkStep

__all__ = [
    "Account",
    "Base",
    "Candidate",
    "Case",
    "Chain",
    "Department",
    "Document",
    "Draft",
    "Holding",
    "Incident",
    "Instant",
    "Job",
    "JobAttempt",
    "LedgerEntry",
    "Message",
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
