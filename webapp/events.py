"""What people call the events of the ledger: on the case page, in the report, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from engine.ledger import Event, FormerEvent

from .i18n import N_

NAMES: Mapping[str, str] = {
    Event.CASE_STARTED: N_("Case started"),
    Event.CASE_SUSPENDED: N_("Case suspended"),
    Event.CASE_RESUMED: N_("Case resumed"),
    Event.CASE_CLOSED: N_("Case closed"),
    Event.CASE_MIGRATED: N_("Moved to another version of the procedure"),
    Event.CASE_RETURNED: N_("Returned to an earlier step"),
    Event.CASE_MOVED: N_("Moved on by hand"),
    Event.CASE_RESUBMITTED: N_("Corrected and sent again"),
    Event.CASE_REOPENED: N_("Case re-opened"),
    Event.CASE_VOIDED: N_("Declared void"),
    Event.SEQUEL_RECORDED: N_("What came after the case was recorded"),
    Event.SEQUEL_ENDED: N_("Its end was recorded"),
    FormerEvent.CASE_DISPUTED: N_("Dispute recorded"),
    FormerEvent.DISPUTE_ENDED: N_("End of the dispute recorded"),
    Event.CASE_EXPORTED: N_("Exported with names, for figures"),
    Event.ENDING_ASKED: N_("A second person is asked to end the case or declare it void"),
    Event.ENDING_DECLINED: N_("The second person declined"),
    Event.ITEM_OPENED: N_("Work item opened"),
    Event.ITEM_CLAIMED: N_("Work item claimed"),
    Event.ITEM_RELEASED: N_("Work item released"),
    Event.ITEM_COMPLETED: N_("Work item completed"),
    Event.ITEM_LEFT: N_("Work item no longer needed"),
    Event.ITEM_URGED: N_("Urged"),
    Event.STEP_OPENED: N_("Approval step opened"),
    Event.STEP_SKIPPED: N_("Approval step skipped"),
    Event.STEP_APPROVED: N_("Approved"),
    Event.STEP_REJECTED: N_("Rejected"),
    Event.STEP_REJECTED_BY_RULE: N_("Rejected by the chain's rule: nobody may sign"),
    Event.STEP_RESUBMITTED: N_("Values changed since it was sent back: the steps between are signed again"),
    Event.STEP_RERESOLVED: N_("Signers found anew by a manager of the procedure"),
    Event.STEP_RETURNED: N_("Returned by a signer"),
    Event.SIGNERS_CHOSEN: N_("Signers of the next step chosen"),
    Event.CHOICE_CORRECTED: N_("Choice of signers corrected"),
    Event.SIGNERS_ASKED: N_("Outside system asked who signs"),
    Event.SIGNERS_ANSWERED: N_("Outside system asked who signs: ended"),
    Event.SIGN_OFF_TRANSFERRED: N_("Passed on to another signer"),
    Event.SIGN_OFF_REASSIGNED: N_("Signer replaced by a manager"),
    Event.SIGN_OFF_DELEGATED: N_("Asked somebody for an opinion"),
    Event.SIGN_OFF_TAKEN_BACK: N_("No longer waits for an opinion"),
    Event.SIGN_OFF_RESOLVED: N_("Gave an opinion"),
    Event.SIGN_OFF_ADDED: N_("Signer added"),
    Event.SIGN_OFF_REMOVED: N_("Signer removed"),
    Event.SIGN_OFF_WITHDRAWN: N_("Own decision taken back"),
    Event.SIGN_OFF_REMINDED: N_("Reminded: the time for signing is over"),
    Event.SIGN_OFF_ESCALATED: N_("Time for signing over: passed on by the chain's rule"),
    Event.SIGN_OFF_BY_RULE: N_("Decided by the chain's rule, time for signing over"),
    Event.SIGN_OFF_HANDED_OVER: N_("Handed over, since the signer leaves"),
    Event.SIGN_OFF_REROUTED: N_("Signer no longer active: passed on by the system"),
    Event.SIGN_OFF_KEPT: N_("Cannot be passed on: whoever it should go to may not sign here"),
    Event.SIGN_OFF_DUE_MOVED: N_("Due time of a signer changed"),
    Event.COPY_SENT: N_("Copy sent"),
    Event.COPY_READ: N_("Copy read"),
    Event.COMMENT_WRITTEN: N_("Commented"),
    Event.OPERATION_REQUESTED: N_("Outside call requested"),
    Event.OPERATION_DONE: N_("Outside call done"),
    Event.OPERATION_FAILED: N_("Outside call failed"),
    Event.TIMER_FIRED: N_("Timer fired"),
    Event.TIMER_MOVED: N_("Timer changed"),
    Event.JOB_DROPPED: N_("Job dropped"),
    Event.ELEMENT_PASSED: N_("Step passed by the system"),
    Event.ERROR_CAUGHT: N_("Error path taken"),
    Event.COMPENSATION_BEGUN: N_("What was done is being undone"),
    Event.VARIABLE_OVERWRITTEN: N_("Value overwritten by a parallel branch"),
    Event.MESSAGE_SENT: N_("Message sent"),
    Event.MESSAGE_RECEIVED: N_("Message received"),
    Event.SIGNAL_SENT: N_("Signal sent"),
    Event.SIGNAL_RECEIVED: N_("Signal received"),
    Event.INCIDENT_OPENED: N_("Incident opened"),
    Event.INCIDENT_RESOLVED: N_("Incident resolved"),
    Event.SNAPSHOT_STORED: N_("Data snapshot stored"),
    Event.SNAPSHOT_READ: N_("Data snapshot read"),
    Event.DOCUMENT_STORED: N_("Document stored"),
    Event.DOCUMENT_READ: N_("Document read"),
    Event.BUNDLE_SEALED: N_("Sealed file made"),
    Event.BUNDLE_EXPORTED: N_("Sealed file handed out"),
}

OUTCOMES: Mapping[str, str] = {
    "completed": N_("Completed"),
    "dismissed": N_("Dismissed"),
    "improvement": N_("Improvement plan"),
    "rejected": N_("Not approved"),
    "withdrawn": N_("Withdrawn"),
    "cancelled": N_("Cancelled"),
    "terminated": N_("Terminated"),
}


def name(event: str) -> str:
    """The English name, which is the message id of its translation; an event of a later release names itself."""
    return NAMES.get(event, event)
