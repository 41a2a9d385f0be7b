"""Where a folder's files are exchanged with: the database of this machine, or a server by its JSON interface with a program's token."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import requests

from engine.errors import ChangedInside, PartwellError
from engine.services import Services
from engine.studio import exchange
from engine.studio.exchange import Base, Deployed, Inside
from engine.studio.gate import Progress, in_silence

from . import i18n

#: seconds for an answer
_PATIENCE = (10, 300)
#: seconds until it is asked again how far the scenarios are
_PAUSE = 1.0


class ServerUnreachable(PartwellError):
    """{address} gave no answer that can be read: {reason}. Look at the address and whether the server runs; nothing was changed here."""

    status = 502


class ServerRefused(PartwellError):
    """{address} refused it: {detail}"""

    status = 422

    def __init__(self, *, address: str, detail: str, findings: Sequence[Mapping[str, Any]] = ()) -> None:
        #: what its check says, where that is why
        self.findings = list(findings)
        super().__init__(address=address, detail=detail)


class AddressWrong(PartwellError):
    """{address} is no address of a server. It begins with https:// or http://, such as https://partwell.example.com"""

    status = 422


class Exchange(Protocol):
    """Somewhere that procedures live."""

    #: by which a folder knows it
    address: str

    def inside(self, procedure: str, *, draft: bool) -> Inside: ...

    def deploy(
        self,
        procedure: str,
        files: Mapping[str, bytes],
        *,
        base: Base | None,
        note: str,
        override: str,
        played: bool,
        told: Progress = in_silence,
    ) -> Deployed: ...

    def put(self, procedure: str, files: Mapping[str, bytes], *, base: Base, note: str) -> tuple[int, list[str]]: ...


@dataclass(frozen=True)
class Here:
    """The database of this machine, as its command line."""

    services: Services
    address: str = ""

    def inside(self, procedure: str, *, draft: bool) -> Inside:
        return exchange.inside(self.services, procedure, draft=draft, actor=None)

    def deploy(
        self,
        procedure: str,
        files: Mapping[str, bytes],
        *,
        base: Base | None,
        note: str,
        override: str,
        played: bool,
        told: Progress = in_silence,
    ) -> Deployed:
        given: dict[str, Any] = {"base": base, "note": note, "override": override, "played": played, "told": told}
        return exchange.deploy(self.services, procedure, files, actor=None, **given)

    def put(self, procedure: str, files: Mapping[str, bytes], *, base: Base, note: str) -> tuple[int, list[str]]:
        return exchange.put(self.services, procedure, files, base=base, actor=None, note=note)


class Server:
    """A server, spoken to with a token: scope `read:procedures` to pull, `write:procedures`, too, to deploy. `session`: for tests."""

    def __init__(self, address: str, token: str, *, session: Any = None) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise AddressWrong(address=address)
        self.address = address.rstrip("/")
        self._session = session or requests.Session()
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Language": i18n.current()}

    def inside(self, procedure: str, *, draft: bool) -> Inside:
        said = self._ask("GET", procedure, "draft" if draft else "files")
        files = {path: _content(file) for path, file in said["files"].items()}
        if not draft:
            return Inside(procedure=procedure, version=said["version"], draft=None, files=files, began=exchange.digests(files))
        drafted = said["draft"]
        revision = drafted["revision"] if drafted["begun_at"] else None
        return Inside(procedure=procedure, version=drafted["active"], draft=revision, files=files, began=said["began"])

    def deploy(
        self,
        procedure: str,
        files: Mapping[str, bytes],
        *,
        base: Base | None,
        note: str,
        override: str,
        played: bool,
        told: Progress = in_silence,
    ) -> Deployed:
        """Where the server plays scenarios first that is followed to its end, of which `told` hears."""
        body = {"files": _coded(files), "base": _listed(base or {}), "note": note, "override": override}
        said = self._ask("POST", procedure, "versions", json=body)
        if said["publication"] is None:
            return Deployed(number=said["number"], new=said["new"], digests=said["digests"])
        number = self._followed(procedure, said["publication"], told)
        made = self._ask("GET", procedure, "files", params={"version": number})["files"]
        return Deployed(number=number, new=True, digests={path: file["sha256"] for path, file in made.items()})

    def _followed(self, procedure: str, publication: Mapping[str, Any], told: Progress) -> int:
        """Number of the version that it becomes. Raises ServerRefused."""
        known = None
        while True:
            if (now := (publication["played"], publication["of"])) != known:
                told(*now)
                known = now
            if publication["state"] != "waiting":
                break
            time.sleep(_PAUSE)
            publication = self._ask("GET", procedure, f"publications/{publication['id']}")
        if publication["state"] != "published":
            detail = " ".join(publication["reasons"]) or i18n.gettext("It was withdrawn and is not published.")
            raise ServerRefused(address=self.address, detail=detail)
        return int(publication["number"])

    def put(self, procedure: str, files: Mapping[str, bytes], *, base: Base, note: str) -> tuple[int, list[str]]:
        said = self._ask("PUT", procedure, "draft", json={"files": _coded(files), "base": _listed(base), "note": note})
        return said["draft"]["revision"], said["changed"]

    def _ask(self, method: str, procedure: str, what: str, **more: Any) -> Any:
        address = f"{self.address}/api/v1/procedures/{quote(procedure, safe='')}/{what}"
        try:
            # another host is not given the token
            answer = self._session.request(method, address, headers=self._headers, timeout=_PATIENCE, allow_redirects=False, **more)
            said = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise ServerUnreachable(address=self.address, reason=str(error) or type(error).__name__) from error
        if 200 <= answer.status_code < 300 and isinstance(said, dict):
            return said
        if not isinstance(said, dict) or "detail" not in said:
            raise ServerUnreachable(address=self.address, reason=f"HTTP {answer.status_code}")
        if said.get("code") == "changed_inside":
            raise ChangedInside(theirs=said["theirs"], both=said["both"])
        raise ServerRefused(address=self.address, detail=said["detail"], findings=said.get("findings", ()))


def _content(file: Mapping[str, Any]) -> bytes:
    return bytes(file["text"], "utf-8") if file["text"] is not None else base64.b64decode(file["base64"])


def _coded(files: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    return {path: {"base64": base64.b64encode(content).decode()} for path, content in files.items()}


def _listed(base: Base) -> dict[str, list[str]]:
    return {path: list(digests) for path, digests in base.items()}
