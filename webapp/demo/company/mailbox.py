"""The sample company's mail server: keeps every message it accepts."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP

from webapp.demo.company.store import Store


class Mailbox:
    """An SMTP server on the loopback address, in a thread of its own. `port` is the real one, also when 0 was asked."""

    def __init__(self, store: Store, port: int, clock: Callable[[], dt.datetime]) -> None:
        self._store, self._clock = store, clock
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self._loop.create_server(lambda: SMTP(self), "127.0.0.1", port))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailbox", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        """Keep one message; aiosmtpd calls this by its name. Each planned fault becomes a temporary refusal."""
        fault, _, seconds = self._store.next_fault("mail.send").partition(":")
        if fault == "timeout" or fault == "slow":
            await asyncio.sleep(float(seconds or (30 if fault == "timeout" else 1.5)))
        if fault in ("", "slow", "after_effect"):
            message = cast(EmailMessage, message_from_bytes(envelope.content, policy=default))
            text = message.get_body(("plain",))
            self._store.keep_mail(
                {
                    "message_id": str(message["Message-ID"] or ""),
                    "sender": envelope.mail_from,
                    "recipients": list(envelope.rcpt_tos),
                    "subject": str(message["Subject"] or ""),
                    "body": text.get_content() if text else "",
                    "received_at": self._clock().isoformat(timespec="seconds"),
                }
            )
        refused = fault not in ("", "slow")
        self._store.count("mail.send", "451" if refused else "250")
        return "451 4.3.0 planned fault" if refused else "250 2.0.0 kept"
