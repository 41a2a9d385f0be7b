"""Changing only what was read: a GET names what it gives by an ETag, and a change names that in If-Match (RFC 9110, 13.1.1)."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from engine.errors import PartwellError

#: header of what is given, and of what changes it
GIVEN, WANTED = "ETag", "If-Match"


class IfMatchNeeded(PartwellError):
    """Send the header If-Match with the ETag of what you read, so that nothing is overwritten that somebody else did meanwhile."""

    status = 428


class Superseded(PartwellError):
    """{who} changed this at {when}, after you read it. Read it again, and send your change with its new ETag."""

    status = 412


class NotAsRead(PartwellError):
    """This was changed after you read it. Read it again, and send your change with its new ETag."""

    status = 412


def tagged(content: Any, tag: object) -> Response:
    """The content as JSON, under an ETag that the next change names."""
    answer = jsonify(content)
    answer.set_etag(str(tag))
    return answer


def wanted() -> str:
    """The ETag of what was read. Raises IfMatchNeeded, also for `*` and several, which name no one reading.

    A weak one counts as well: a proxy that compresses an answer makes its ETag weak, and ours name content, not bytes.
    """
    tags = request.if_match
    named = list(tags.as_set(include_weak=True))
    if tags.star_tag or len(named) != 1:
        raise IfMatchNeeded()
    return str(named[0])


def revision_read() -> int:
    """The revision of the draft that was read, 0 where there was none. Raises IfMatchNeeded, NotAsRead for what no draft is called."""
    tag = wanted()
    if not tag.isdecimal() or not tag.isascii() or len(tag) > 9:
        raise NotAsRead()
    return int(tag)
