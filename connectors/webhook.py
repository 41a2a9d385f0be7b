"""Any system that takes JSON: notices of people, and what happens in cases, posted to one address and signed over time and body."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from connectors.http import Http
from connectors.options import REQUIRED, Option, read_options
from connectors.template import Template
from engine.errors import SettingWrong
from engine.ports import Announcement, Call, Message

#: headers that say what the body is, who sends it and when
_OURS = ("content-type", "idempotency-key", "x-partwell-timestamp", "x-partwell-signature", "host", "content-length")
#: what a body of one's own may name: what is told, and the names of its events as one text
_TOLD = (*(field.name for field in dataclasses.fields(Announcement)), "event")


class Webhook:
    """Posts {key, kind, person, name, subject, text, link, locale} to the address for a notice, an `Announcement` for events, or
    for these the `body` of the settings filled in with it.

    Headers: `Idempotency-Key`, the same for every attempt; `X-Partwell-Timestamp`, seconds since 1970; `X-Partwell-Signature`,
    `sha256=` and the hexadecimal HMAC-SHA256 of timestamp, a dot and the body under the secret. `person` is the id under which
    the receiver knows the person. It answers with any JSON object and a status of 2xx; events may be answered by a status alone.
    """

    names: ClassVar[tuple[str, ...]] = ()
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "base_url": Option(str, REQUIRED, "Address to which notices and events are posted"),
        "secret": Option(str, REQUIRED, "Secret that both sides know"),
        "system": Option(str, "", "Under which name the receiver's ids of people are entered; empty: the name of this table"),
        "notices": Option(bool, True, "Tell people by it what waits for them"),
        "events": Option(list, [], 'Events of cases that are posted: names, or their beginnings with * behind, such as "work:item:*"'),
        "procedures": Option(list, [], "Keys of the procedures whose events are posted; empty: all"),
        "titles": Option(bool, False, "Events tell the title of the case, in which the employee's name may stand"),
        "body": Option(dict, {}, "What is posted for events instead: a table in whose texts {number} and the like are filled in"),
        "headers": Option(dict, {}, "Further headers of each request"),
        "timeout": Option(float, 10.0, "Seconds after which a request is given up"),
        "ca_file": Option(str, "", "PEM file of the certificate authorities to trust instead of the public ones"),
    }
    reaches = "person"

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        values = read_options(name, options, self.OPTIONS)
        self.channel = name if values["notices"] else ""
        self.system = values["system"] or name
        self.events: list[str] = values["events"]
        self.listener = name if self.events else ""
        self.procedures: list[str] = values["procedures"]
        self.titles: bool = values["titles"]
        for key in ("events", "procedures"):
            if not all(isinstance(one, str) and one for one in values[key]):
                raise SettingWrong(setting=f"connectors.{name}.{key}", reason="it must be a list of names")
        self._body = Template(f"connectors.{name}.body", values["body"], _TOLD, ("events",)) if values["body"] else None
        if self._body and "title" in self._body.named and not self.titles:
            raise SettingWrong(setting=f"connectors.{name}.body", reason="the title is told only where titles is true")
        self._headers: dict[str, str] = values["headers"]
        for key, value in self._headers.items():
            if key.lower() in _OURS or not isinstance(value, str) or not (key + value).isascii() or not (key + value).isprintable():
                raise SettingWrong(setting=f"connectors.{name}.headers.{key}", reason="no header can be made of it, or it is set already")
        self._secret = values["secret"]
        self._http = Http(name, {**values, "token": ""})

    def tell(self, message: Message) -> str:
        """The answer's `id`, if it has one. Raises as `Http.ask`."""
        told = {"key": message.key, "kind": message.kind, "person": message.address, "name": message.name, "subject": message.subject}
        told |= {"text": message.text, "link": message.link, "locale": message.locale}
        answer = self._post("notice", message.key, told, message.now)
        return str(answer.get("id", ""))

    def announce(self, announcement: Announcement, now: dt.datetime) -> None:
        """Raises as `Http.ask`."""
        told = {**dataclasses.asdict(announcement), "at": announcement.at.isoformat()}
        if self._body:
            told = self._body.filled({**told, "event": ", ".join(one.event for one in announcement.events)})
        self._post("event", announcement.key, told, now, silent=True)

    def _post(self, operation: str, key: str, told: Mapping[str, Any], now: dt.datetime, *, silent: bool = False) -> dict[str, Any]:
        body, stamp = json.dumps(told, ensure_ascii=False).encode(), str(int(now.timestamp()))
        headers = {
            **self._headers,
            "Idempotency-Key": key,
            "X-Partwell-Timestamp": stamp,
            "X-Partwell-Signature": f"sha256={sign(self._secret, stamp, body)}",
        }
        call = Call(operation=operation, key=key, input={}, headers={}, case="", attempt=1, now=now)
        return self._http.ask(call, "POST", "", headers=headers, body=body, silent=silent)[0]

    def check(self) -> list[str]:
        """Nothing harmless can be tried: the receiver need not answer anything but what it is told."""
        return ["the address is not encrypted, so our secret can be read on the way"] if self._http.in_the_clear else []


def sign(secret: str, stamp: str, body: bytes) -> str:
    """The signature of a body at a time."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
