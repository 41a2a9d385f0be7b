"""Mail by SMTP, as an operation of a procedure and as a channel of notices."""

from __future__ import annotations

import datetime as dt
import hashlib
import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any, ClassVar

from connectors.options import REQUIRED, Option, read_options
from engine.errors import NeedsPerson, NotFound, Refused, SettingWrong, TryAgain
from engine.ports import Answer, Call, Description, Exchange, Message, Parameter, Result


class Mail:
    """Offers `mail.send` with inputs `to` (an address or a list of them), `subject` and `body`.

    SMTP has no key, so a repeated attempt may arrive twice; both carry the same Message-ID, made from the key, by which
    mail servers and readers drop the second. The value is {"reference": Message-ID, "accepted_at": text}.
    """

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "host": Option(str, REQUIRED, "Mail server"),
        "port": Option(int, 587, "Its port"),
        "from": Option(str, REQUIRED, "Sender's address, such as Partwell <partwell@company.example>"),
        "starttls": Option(bool, True, "Encrypt the connection; the server's certificate is verified"),
        "ca_file": Option(str, "", "PEM file of the certificate authorities to trust instead of the public ones"),
        "user": Option(str, "", "Account at the server, where it asks for one"),
        "password": Option(str, "", "Its password"),
        "timeout": Option(float, 10.0, "Seconds after which an attempt is given up"),
        "notices": Option(bool, True, "Tell people by it what waits for them"),
    }
    names = ("mail.send",)
    descriptions: ClassVar[Sequence[Description]] = (
        Description(
            name="mail.send",
            label="发送邮件",
            label_en="Send a mail",
            description="发一封纯文本邮件。收件地址可以是一个地址，也可以是地址列表。",
            description_en="Sends a mail of plain text to one address or to a list of them.",
            icon="mail",
            inputs=(
                Parameter("to", "收件地址", "To", required=True),
                Parameter("subject", "主题", "Subject", required=True),
                Parameter("body", "正文", "Text", required=True),
            ),
            outputs=(Result("reference", "邮件编号（Message-ID）", "Message-ID"), Result("accepted_at", "发送时间", "Sent at")),
            variable="mail",
        ),
    )
    reaches = "mail"

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self._name = self.system = name
        self._options = read_options(name, options, self.OPTIONS)
        self._domain = parseaddr(self._options["from"])[1].partition("@")[2]
        if not self._domain:
            raise SettingWrong(setting=f"connectors.{name}.from", reason="it must be a mail address")
        self.channel = name if self._options["notices"] else ""
        if self._options["timeout"] <= 0:
            raise SettingWrong(setting=f"connectors.{name}.timeout", reason="it must be more than 0")

    def call(self, call: Call) -> Answer:
        if call.operation not in self.names:
            raise NotFound(what="operation", name=call.operation)
        to = call.input.get("to")
        recipients = [to] if isinstance(to, str) else to
        subject, body = call.input.get("subject"), call.input.get("body")
        if not recipients or not isinstance(recipients, list) or not all(isinstance(t, str) and "@" in t for t in recipients):
            raise self._refused("the input has no mail address to send to")
        if not isinstance(subject, str) or not isinstance(body, str):
            raise self._refused("the input has no subject or no body")
        message = self._compose(recipients, subject, body, call.key, call.now)
        said = self._send(message)
        exchange = Exchange(
            system=self._name,
            request={"to": recipients, "subject": subject, "body": body, "message_id": message["Message-ID"]},
            answer=said,
            media_type="text/plain",
            status=said[:3],
        )
        value = {"reference": str(message["Message-ID"]), "accepted_at": call.now.isoformat(timespec="seconds")}
        return Answer(value=value, exchanges=[exchange])

    def tell(self, message: Message) -> str:
        """The Message-ID."""
        mail = self._compose([message.address], message.subject, f"{message.text}\n\n{message.link}\n", message.key, message.now)
        self._send(mail)
        return str(mail["Message-ID"])

    def check(self) -> list[str]:
        try:
            with self._connection():
                return []
        except (TryAgain, Refused, NeedsPerson) as error:
            return [str(error.facts["reason"])]

    def _compose(self, to: list[str], subject: str, body: str, key: str, now: dt.datetime) -> EmailMessage:
        message = EmailMessage()
        try:
            message["From"], message["To"], message["Subject"] = self._options["from"], ", ".join(to), subject
        except ValueError as error:  # a line break that would begin a header of its own
            raise self._refused("an address or the subject has characters that mail does not allow") from error
        message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{self._domain}>"
        message["Date"] = format_datetime(now)
        message.set_content(body)
        return message

    def _send(self, message: EmailMessage) -> str:
        """What the server said on accepting the message."""
        with self._connection() as server:
            try:
                refused = server.send_message(message)
            except smtplib.SMTPRecipientsRefused as error:
                code, text = next(iter(error.recipients.values()))
                raise self._answered(code, text) from error
            except smtplib.SMTPResponseException as error:
                raise self._answered(error.smtp_code, error.smtp_error) from error
            except smtplib.SMTPNotSupportedError as error:
                raise self._refused("it does not take addresses with such characters") from error
            except (OSError, smtplib.SMTPException) as error:
                raise self._again("it broke off the connection") from error
        if refused:
            raise self._person(f"it refused some of the recipients: {', '.join(refused)}")
        return "250"

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        """A connection ready for mail. What the server says to QUIT changes nothing of what was accepted before."""
        with ExitStack() as stack:
            server = self._connect(stack)
            yield server
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _connect(self, stack: ExitStack) -> smtplib.SMTP:
        options = self._options
        try:
            server = smtplib.SMTP(options["host"], options["port"], timeout=options["timeout"])
            stack.callback(server.close)
            if options["starttls"]:
                server.starttls(context=ssl.create_default_context(cafile=options["ca_file"] or None))
            if options["user"]:
                server.login(options["user"], options["password"])
            return server
        except smtplib.SMTPAuthenticationError as error:
            raise self._person("it did not accept our account and password") from error
        except ssl.SSLCertVerificationError as error:
            raise self._person("its certificate is not to be trusted") from error
        except smtplib.SMTPNotSupportedError as error:
            raise self._person("it does not offer what the settings ask for: STARTTLS, AUTH") from error
        except smtplib.SMTPResponseException as error:
            raise self._answered(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise self._again("it cannot be reached") from error

    def _answered(self, code: int, text: bytes | str) -> TryAgain | Refused:
        said = f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
        kind = Refused if 500 <= code < 600 else TryAgain
        reason = "it refused the mail" if kind is Refused else "it reported a fault"
        return kind(system=self._name, operation="mail.send", reason=f"{reason}: {code}", answer=said)

    def _again(self, reason: str) -> TryAgain:
        return TryAgain(system=self._name, operation="mail.send", reason=reason)

    def _refused(self, reason: str) -> Refused:
        return Refused(system=self._name, operation="mail.send", reason=reason)

    def _person(self, reason: str) -> NeedsPerson:
        return NeedsPerson(system=self._name, operation="mail.send", reason=reason)
