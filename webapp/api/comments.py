"""Comments on cases: reading and writing them."""

from __future__ import annotations

from typing import Any

from engine import comments

from ..accounts import me, services
from ..i18n import N_
from .exchange import api, body, declared, plain, request_id
from .shapes import Listed, Text


@api.get("/cases/<case_id>/comments")
@declared(scope="read:cases", gives={"comments": [comments.CommentRow]})
def comments_of(case_id: str) -> Any:
    """The comments of a case in the order of time, but to the employee concerned."""
    return {"comments": plain(comments.comments(services(), case_id, reader=me().id))}


@api.post("/cases/<case_id>/comments")
@declared(
    scope="work",
    takes={
        "text": Text(N_("What is said about the case"), example="考勤记录完整吗？"),
        "item": Text(N_("Id of the work item about which it is; empty: the case"), default=""),
        "answers": Text(N_("Id of the comment that it answers"), default=""),
        "mentions": Listed(N_("Ids of the people whom it mentions; they are told of it"), of=Text(), default=[]),
    },
)
def comment(case_id: str) -> Any:
    """Write a comment on a case, or answer one; nothing waits for it."""
    sent = body()
    more = {"item_id": sent["item"] or None, "answers": sent["answers"] or None, "mentions": sent["mentions"]}
    comments.write(services(), case_id, text=sent["text"], actor=me().id, request_id=request_id(), **more)
    return "", 204
