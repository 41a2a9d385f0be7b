"""How connectors speak to a JSON interface: time limits, masked secrets, and errors in the three kinds of the contract.

The `reason` of an error is a fixed sentence, found in the catalogues, and may go on with a colon and a detail that needs no
translation (a status, a field).
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
import urllib3

from connectors.options import REQUIRED, Option
from engine.errors import NeedsPerson, Refused, SettingWrong, TryAgain
from engine.ports import Call, Exchange

HTTP_OPTIONS: Mapping[str, Option] = {
    "base_url": Option(str, REQUIRED, "Address of the system, such as https://ehr.company.example"),
    "token": Option(str, REQUIRED, "Secret sent as Authorization: Bearer"),
    "timeout": Option(float, 10.0, "Seconds after which a request is given up"),
    "ca_file": Option(str, "", "PEM file of the certificate authorities to trust instead of the public ones"),
}

_LARGEST = 32 * 1024 * 1024
_KEPT_OF_A_FAILURE = 20_000
_LATER = (408, 425, 429)


class Http:
    """One system behind HTTP. Holds no connection, so threads may share it."""

    def __init__(self, system: str, options: Mapping[str, Any]) -> None:
        self.system = system
        self._base = options["base_url"].rstrip("/")
        self._token = options["token"]
        self._timeout = options["timeout"]
        self._verify = options["ca_file"] or True
        address = urlsplit(self._base)
        if address.scheme not in ("http", "https") or not address.hostname or address.username:
            raise SettingWrong(setting=f"connectors.{system}.base_url", reason="it must be an address beginning with https://")
        if self._timeout <= 0:
            raise SettingWrong(setting=f"connectors.{system}.timeout", reason="it must be more than 0")
        #: whoever is on the way can read what is said
        self.in_the_clear = address.scheme == "http" and address.hostname not in ("127.0.0.1", "::1", "localhost")

    def ask(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] = {},
        headers: Mapping[str, str] = {},
        body: Any = None,
        absent_is_empty: bool = False,
        silent: bool = False,
    ) -> tuple[dict[str, Any], Exchange]:
        """The object answered to one request, and what was said. With `absent_is_empty` a 404 is answered as {}; with
        `silent` the status alone says that it was taken, and {} stands for whatever came with it.

        Raises `TryAgain`, `Refused` or `NeedsPerson`; a redirect is never followed, so that the token stays where it belongs.
        """
        status, answered, exchange = self._send(call.operation, method, path, params, headers, body)
        kept = f"HTTP {status}\n{exchange.answer[:_KEPT_OF_A_FAILURE]}"

        def fail(kind: type[TryAgain] | type[Refused] | type[NeedsPerson], reason: str) -> NoReturn:
            raise kind(system=self.system, operation=call.operation, reason=reason, answer=kept)

        if status in _LATER or status >= 500:
            raise TryAgain(
                system=self.system,
                operation=call.operation,
                reason=f"it reported a fault: {status}",
                answer=kept,
                after=_seconds_to_wait(answered.get("Retry-After", ""), call.now),
            )
        if status == 404 and absent_is_empty:
            return {}, exchange
        if status == 401:
            fail(NeedsPerson, "it did not accept our token")
        if 400 <= status < 500:
            fail(Refused, f"it refused the request: {status}")
        if not 200 <= status < 300:
            fail(NeedsPerson, f"it answered with an unexpected status: {status}")
        if silent:
            return {}, exchange
        try:
            value = json.loads(exchange.answer, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            fail(TryAgain, "the answer is not readable JSON")
        if not isinstance(value, dict):
            fail(NeedsPerson, "the answer is JSON of another form than agreed")
        return value, exchange

    def check(self, operation: str, path: str, params: Mapping[str, str] = {}) -> list[str]:
        """What is wrong with the address, the token or the other side, tried with one harmless GET."""
        found = ["the address is not encrypted, so the token can be read on the way"] if self.in_the_clear else []
        try:
            status, _, _ = self._send(operation, "GET", path, params, {}, None)
        except (TryAgain, NeedsPerson) as error:
            return [*found, str(error.facts["reason"])]
        if status in (401, 403):
            found.append("it did not accept our token")
        if status >= 500:
            found.append(f"it reported a fault: {status}")
        return found

    def _send(
        self, operation: str, method: str, path: str, params: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> tuple[int, Mapping[str, str], Exchange]:
        def again(reason: str) -> TryAgain:
            return TryAgain(system=self.system, operation=operation, reason=reason)

        def person(reason: str) -> NeedsPerson:
            return NeedsPerson(system=self.system, operation=operation, reason=reason)

        deadline = time.monotonic() + self._timeout
        try:
            with self._open(method, path, params, headers, body) as response:
                content = bytearray()
                while part := response.raw.read1(65536, decode_content=True):
                    content += part
                    if time.monotonic() > deadline:
                        raise again("it did not answer in time")
                    if len(content) > _LARGEST:
                        raise person("the answer is too large")
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise person("its certificate is not to be trusted") from error
            raise again("it cannot be reached") from error
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise again("it did not answer in time") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise again("it cannot be reached") from error
        exchange = Exchange(
            system=self.system,
            request={"method": method, "url": response.url, "headers": {**headers, "Authorization": "***"}, "body": body},
            answer=content.decode("utf-8", errors="replace"),
            media_type=response.headers.get("Content-Type", "application/json"),
            status=str(response.status_code),
        )
        return response.status_code, response.headers, exchange

    def _open(self, method: str, path: str, params: Mapping[str, str], headers: Mapping[str, str], body: Any) -> requests.Response:
        with requests.Session() as session:
            # neither a proxy nor a .netrc of the machine may redirect the call or replace the token
            session.trust_env = False
            own = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            signed = isinstance(body, bytes)  # JSON written out already, because a signature stands over its bytes
            return session.request(
                method,
                self._base + path,
                params=params,
                json=None if signed else body,
                data=body if signed else None,
                headers={**headers, **({"Content-Type": "application/json"} if signed else {}), **own, "Accept": "application/json"},
                timeout=self._timeout,
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            )


def _seconds_to_wait(retry_after: str, now: dt.datetime) -> float | None:
    """The header Retry-After (RFC 9110 section 10.2.3) in seconds from `now`."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - now).total_seconds())
    except (ValueError, TypeError):  # absent, no date, or one without zone
        return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
