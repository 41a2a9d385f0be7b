"""What the chat services have in common: plain JSON over HTTP, errors told by a code in an answer with HTTP 200, a token for a while.

Codes are those that the services document; an unknown one is a refusal, which administrators see with the code.
"""

from __future__ import annotations

import abc
import datetime as dt
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from connectors.http import Http
from connectors.options import Option, read_options
from engine.errors import NeedsPerson, Refused, TryAgain
from engine.ports import Call, Message, Shown, Sought

#: options of every chat service beside its own
CHAT_OPTIONS: Mapping[str, Option] = {
    "system": Option(str, "", "Under which name the service's ids of people are entered; empty: the name of this table"),
    "timeout": Option(float, 10.0, "Seconds after which a request is given up"),
    "ca_file": Option(str, "", "PEM file of the certificate authorities to trust instead of the public ones"),
}
#: a token is asked for anew this long before it ends
_EARLY = dt.timedelta(minutes=5)


class Attempt(Protocol):
    """What is said to a service: a message, or work that it shows."""

    @property
    def key(self) -> str: ...

    @property
    def now(self) -> dt.datetime: ...


@dataclass(frozen=True, kw_only=True)
class Asking:
    """An attempt that is neither. `operation`: what is asked for, as errors name it."""

    key: str
    operation: str
    now: dt.datetime


class Chat:
    """A channel at a chat service. Threads may share it."""

    names: ClassVar[tuple[str, ...]] = ()
    OPTIONS: ClassVar[Mapping[str, Option]]
    reaches: ClassVar[str]
    #: field of an answer in which its code stands; 0 means that all is well
    CODE: ClassVar[str] = "errcode"
    #: codes of a passing fault, of a token that is over, and of our settings being wrong
    BUSY: ClassVar[Collection[int]] = ()
    TOKEN_OVER: ClassVar[Collection[int]] = ()
    SETTINGS: ClassVar[Collection[int]] = ()

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        values = read_options(name, options, self.OPTIONS)
        self.options = values
        self.channel = name
        self.system = values["system"] or name
        self._http = Http(name, {**values, "token": ""})

    def post(
        self,
        message: Attempt,
        path: str,
        body: Any,
        *,
        params: Mapping[str, str] = {},
        headers: Mapping[str, str] = {},
        method: str = "POST",
        unless: Collection[int] = (),
    ) -> dict[str, Any]:
        """The answer, also one with a code of `unless`. Raises TryAgain, Refused, NeedsPerson."""
        operation = _operation(message)
        call = Call(operation=operation, key=message.key, input={}, headers={}, case="", attempt=1, now=message.now)
        answer, exchange = self._http.ask(call, method, path, params=params, headers=headers, body=body)
        code = answer.get(self.CODE)
        if code == 0 or code in unless:
            return answer
        said = {"system": self.channel, "operation": operation, "answer": exchange.answer[:2000]}
        if type(code) is not int:
            raise NeedsPerson(reason="the answer is JSON of another form than agreed", **said)
        if code in self.TOKEN_OVER:
            self.token_over()
            raise TryAgain(reason=f"it did not accept our token: {code}", **said)
        if code in self.BUSY:
            raise TryAgain(reason=f"it reported a fault: {code}", **said)
        if code in self.SETTINGS:
            raise NeedsPerson(reason=f"it did not accept our signature or our account: {code}", **said)
        reason = "it refused the message" if operation == "notice" else "it refused the request"
        raise Refused(reason=f"{reason}: {code}", **said)

    def token_over(self) -> None:
        """A robot signs what it sends and has no token."""

    def check(self) -> list[str]:
        """Nothing that is harmless can be tried at a robot; services with a token try that, see `TokenChat`."""
        return []


class TokenChat(Chat, abc.ABC):
    """A channel that proves who we are by a token."""

    reaches = "person"
    #: people about whom it is asked in one go, so that whoever waits for the answer does not wait long
    at_once: ClassVar[int]

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self._lock = threading.Lock()
        self._kept: tuple[str, dt.datetime] | None = None
        self.finder = name

    def token(self, message: Attempt) -> str:
        """The token with which the service knows us, kept until shortly before its end. Raises as `post`."""
        with self._lock:
            if self._kept is None or self._kept[1] <= message.now:
                token, seconds = self.fresh_token(message)
                self._kept = token, message.now + dt.timedelta(seconds=seconds) - _EARLY
            return self._kept[0]

    def token_over(self) -> None:
        self._kept = None

    @abc.abstractmethod
    def find(self, sought: Sequence[Sought], now: dt.datetime) -> Mapping[str, Collection[str] | Refused]:
        """As `ports.Finder.find`."""

    @abc.abstractmethod
    def fresh_token(self, message: Attempt) -> tuple[str, int]:
        """A new token and its seconds. Raises as `post`."""

    def token_in(self, message: Attempt, answer: Mapping[str, Any], field: str, seconds: str) -> tuple[str, int]:
        """A token and its seconds from an answer. Raises NeedsPerson."""
        token, lasts = answer.get(field), answer.get(seconds)
        if not isinstance(token, str) or type(lasts) is not int:
            raise self.not_as_agreed(message)
        return token, lasts

    def not_as_agreed(self, message: Attempt) -> NeedsPerson:
        """For an answer in which something is missing, or is of another kind."""
        return NeedsPerson(system=self.channel, operation=_operation(message), reason="the answer is JSON of another form than agreed")

    def check(self) -> list[str]:
        trial = Message(
            key="check", kind="check", address="", name="", subject="", text="", link="", now=dt.datetime.min.replace(tzinfo=dt.UTC)
        )
        found = ["the address is not encrypted, so our secret can be read on the way"] if self._http.in_the_clear else []
        try:
            self.fresh_token(trial)
        except (TryAgain, Refused, NeedsPerson) as error:
            found.append(str(error.facts["reason"]))
        return found


def _operation(message: Attempt) -> str:
    """What is done by saying it, as errors name it."""
    return message.operation if isinstance(message, Asking) else "project" if isinstance(message, Shown) else "notice"


def cut(text: str, most: int) -> str:
    """At most so many bytes of UTF-8, with a mark where something was left out."""
    whole = text.encode()
    return text if len(whole) <= most else whole[: most - 3].decode(errors="ignore") + "…"


def plain(message: Message) -> str:
    """A message as plain text, the link at its end: a digest holds the links of its lines."""
    return f"{message.subject}\n{message.text}\n{message.link}"
