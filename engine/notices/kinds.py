"""What people are told of: a closed list, and what is said. Texts are message ids of the catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of notice.

    `subject` and `text` have the places {title} (the case, or its number), {step}, {who} (did it) and {due}.
    """

    #: what it is called where people choose
    label: str
    subject: str
    text: str
    #: passes quiet hours and is in no digest
    urgent: bool = False
    #: of work that somebody else may do meanwhile: then there is nothing to tell any more
    while_open: bool = True
    #: the page to which it leads where it is about no case
    page: str = "substitutes"


KINDS: Mapping[str, Kind] = {
    "opened": Kind("Something is to do for me", "To do: {step}", "{title}: it is your turn at “{step}”."),
    "offered": Kind("Something is to do for one of us", "For one of you: {step}", "{title}: “{step}” waits until one of you takes it."),
    "returned": Kind("Something was sent back to me", "Sent back: {step}", "{title}: {who} sent it back to “{step}”.", urgent=True),
    "transferred": Kind("Something was handed to me", "Handed to you: {step}", "{title}: {who} handed “{step}” to you."),
    "delegated": Kind("My opinion is asked for", "Your opinion: {step}", "{title}: {who} asks for your opinion at “{step}”."),
    "added": Kind("I was added as a signer", "Please sign: {step}", "{title}: {who} added you as a signer of “{step}”."),
    "withdrawn": Kind(
        "Somebody takes back what had made something mine to do",
        "Not to do any more: {step}",
        "{title}: {who} took back what had led to “{step}”, so there is nothing for you to do there now.",
        while_open=False,
    ),
    "removed": Kind(
        "I am asked no longer, since somebody else signs",
        "Not to sign any more: {step}",
        "{title}: {who} changed who signs “{step}”, so there is nothing for you to do there now.",
        while_open=False,
    ),
    "urged": Kind("I am urged", "Urgent: {step}", "{title}: {who} asks you to look at “{step}” soon.", urgent=True),
    "due_soon": Kind("Something of mine is due soon", "Due soon: {step}", "{title}: “{step}” is due at {due}."),
    "overdue": Kind("Something of mine is overdue", "Overdue: {step}", "{title}: “{step}” was due at {due}.", urgent=True),
    "copied": Kind("I am shown a case", "Copied to you: {title}", "{title}: {who} shows you the case.", while_open=False),
    "mentioned": Kind(
        "A comment mentions me or answers mine",
        "A comment for you: {title}",
        "{title}: {who} addresses you in a comment.",
        while_open=False,
    ),
    "case_closed": Kind("A case that I began is closed", "Closed: {title}", "{title}: the case is closed.", while_open=False),
    "case_cancelled": Kind(
        "A case that I began or took part in was stopped", "Stopped: {title}", "{title}: {who} stopped the case.", while_open=False
    ),
    "case_voided": Kind(
        "A case that I began or took part in is void", "Void: {title}", "{title}: {who} declared the case void.", while_open=False
    ),
    "ending_asked": Kind(
        "A case is to be terminated or void, and a second person is needed",
        "Second person needed: {title}",
        "{title}: {who} wants the case terminated or void. Another manager confirms or declines it on its page.",
        while_open=False,
    ),
    "ending_declined": Kind(
        "What I asked a second person for was declined",
        "Declined: {title}",
        "{title}: {who} declined it; nothing changes.",
        while_open=False,
    ),
    "substitute_set": Kind(
        "A substitution concerns me", "Substitute named", "{who} named a substitute: look at who stands in for whom.", while_open=False
    ),
    "not_activated": Kind(
        "A version of a procedure that I scheduled could not become active",
        "A scheduled version did not become active",
        "A version of a procedure that you scheduled could not become active, so the former one stays. The procedure's page says why.",
        urgent=True,
        while_open=False,
        page="studio",
    ),
    "published": Kind(
        "What I published has passed its scenarios",
        "Your version of a procedure is published",
        "The scenarios of a procedure that you published have passed: its new version is active, or will be at the time that you set.",
        while_open=False,
        page="procedures",
    ),
    "not_published": Kind(
        "What I published did not become a version",
        "A procedure was not published",
        "A procedure that you published is not: scenarios fail, or somebody changed it or withdrew that meanwhile. Its page says more.",
        while_open=False,
        page="procedures",
    ),
}
#: several at once
TOGETHER = "{count} notices"
#: stands for {who} where the title may not be told either
SOMEBODY = "A colleague"
#: stands for {who} where nobody did it
NOBODY = "Partwell"
