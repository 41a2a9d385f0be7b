"""Any system that takes JSON: each notice is posted to one address, signed over its time and body."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from connectors.http import Http
from connectors.options import REQUIRED, Option, read_options
from engine.ports import Call, Message


class Webhook:
    """Posts {key, kind, person, name, subject, text, link, locale} to the address.

    Headers: `Idempotency-Key`, the same for every attempt; `X-Partwell-Timestamp`, seconds since 1970; `X-Partwell-Signature`,
    `sha256=` and the hexadecimal HMAC-SHA256 of timestamp, a dot and the body under the secret. `person` is the id under which
    the receiver knows the person. It answers with any JSON object and a status of 2xx.
    """

    names: ClassVar[tuple[str, ...]] = ()
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "base_url": Option(str, REQUIRED, "Address to which notices are posted"),
        "secret": Option(str, REQUIRED, "Secret that both sides know"),
        "system": Option(str, "", "Under which name the receiver's ids of people are entered; empty: the name of this table"),
        "timeout": Option(float, 10.0, "Seconds after which a request is given up"),
        "ca_file": Option(str, "", "PEM file of the certificate authorities to trust instead of the public ones"),
    }
    reaches = "person"

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        values = read_options(name, options, self.OPTIONS)
        self.channel = name
        self.system = values["system"] or name
        self._secret = values["secret"]
        self._http = Http(name, {**values, "token": ""})

    def tell(self, message: Message) -> str:
        """The answer's `id`, if it has one. Raises as `Http.ask`."""
        told = {"key": message.key, "kind": message.kind, "person": message.address, "name": message.name, "subject": message.subject}
        told |= {"text": message.text, "link": message.link, "locale": message.locale}
        body, stamp = json.dumps(told, ensure_ascii=False).encode(), str(int(message.now.timestamp()))
        headers = {
            "Idempotency-Key": message.key,
            "X-Partwell-Timestamp": stamp,
            "X-Partwell-Signature": f"sha256={sign(self._secret, stamp, body)}",
        }
        call = Call(operation="notice", key=message.key, input={}, headers={}, case="", attempt=1, now=message.now)
        answer, _ = self._http.ask(call, "POST", "", headers=headers, body=body)
        return str(answer.get("id", ""))

    def check(self) -> list[str]:
        """Nothing harmless can be tried: the receiver need not answer anything but notices."""
        return []


def sign(secret: str, stamp: str, body: bytes) -> str:
    """The signature of a body at a time."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
