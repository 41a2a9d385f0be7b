"""The sealed file of one case as a format: packing and signing it, and checking it with no database and no key at hand.

A ZIP whose `manifest.json` names every other file with size and SHA-256, and whose `manifest.sig` is the Ed25519 signature
(RFC 8032) of the manifest's bytes. Whoever checks recomputes everything from the ledger's entries up.
"""

from __future__ import annotations

import hashlib
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from . import ledger
from .errors import BundleInvalid, NotFound
from .ports import Json

FORMAT = "partwell-bundle 1"
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "public-key.pem"
LEDGER, TIMELINE, REPORT, SUMS = "ledger.json", "timeline.json", "report.pdf", "SHA256SUMS"
DOCUMENTS, SNAPSHOTS = "originals/documents/", "originals/snapshots/"

#: what a manifest cannot name: itself and its signature
_UNLISTED = frozenset({MANIFEST, SIGNATURE})
_MOST_MEMBERS = 20_000
_MOST_BYTES = 1024**3
_CHUNK = 1024 * 1024
#: entries that say what was stored, and the name under which their payload has its id
_STORED: Mapping[str, str] = {ledger.Event.DOCUMENT_STORED: "document", ledger.Event.SNAPSHOT_STORED: "snapshot"}


# --- packing


def readable(value: Json) -> bytes:
    """JSON for people and programs: sorted keys, two blanks of indent, UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the public key in DER form, hexadecimal."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def chain_of(entries: Sequence[ledger.Entry]) -> list[Json]:
    """The entries as they stand in `ledger.json`: with salt, so that every digest can be recomputed."""
    previous, chain = ledger.START, []
    for entry in entries:
        payload_digest = hashlib.sha256(ledger.canonical(entry.payload)).hexdigest()
        links = {"payload_digest": payload_digest, "previous": previous, "digest": entry.digest}
        chain.append({**entry.fields, "payload": entry.payload, **links})
        previous = entry.digest
    return chain


def seal(members: Mapping[str, bytes], facts: Mapping[str, Json], about: Mapping[str, Json], signer: Ed25519PrivateKey) -> bytes:
    """The ZIP: `members` by path, `facts` about the case for the manifest, `about` single files. The same input, the same bytes."""
    public = signer.public_key()
    contents = {**members, PUBLIC_KEY: public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)}
    contents[SUMS] = "".join(f"{hashlib.sha256(contents[path]).hexdigest()}  {path}\n" for path in sorted(contents)).encode()
    files = [
        {"path": path, "size": len(contents[path]), "sha256": hashlib.sha256(contents[path]).hexdigest(), **about.get(path, {})}
        for path in sorted(contents)
    ]
    manifest = readable({**facts, "format": FORMAT, "signature": {"algorithm": "Ed25519", "key": fingerprint(public)}, "files": files})
    return _pack({**contents, MANIFEST: manifest, SIGNATURE: signer.sign(manifest)})


def _pack(contents: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(contents):
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, contents[path])
    return packed.getvalue()


# --- checking


@dataclass(frozen=True)
class Fault:
    """Something wrong with a sealed file: an English sentence with places for its facts, to be translated like an error."""

    template: str
    facts: Mapping[str, Json] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return self.template.format(**self.facts)


@dataclass(kw_only=True)
class Verification:
    """What a check found. Nothing is missing, added or altered when `ok`; who signed is for the reader to compare."""

    faults: list[Fault] = field(default_factory=list)
    #: number of the case, as the manifest says
    case: str = ""
    outcome: str = ""
    sealed_at: str = ""
    #: how many files and ledger entries were recomputed
    files: int = 0
    entries: int = 0
    #: fingerprint of the key inside that signed the manifest
    key: str = ""

    @property
    def ok(self) -> bool:
        return not self.faults

    def fault(self, template: str, **facts: Json) -> None:
        self.faults.append(Fault(template, facts))


def verify(path: Path, *, key: str | None = None) -> Verification:
    """Recompute everything in a sealed file. `key` is the fingerprint that the signer is known by, where it is known.

    Raises NotFound without the file, BundleInvalid for what is no sealed file or is unsafe to open.
    """
    found = Verification()
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise NotFound(what="file", name=path) from None
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BundleInvalid(file=path, reason=f"it is not a ZIP file: {error}") from error
    with archive:
        _guard(archive, path)
        contents = _Contents(archive, found)
        manifest = contents.json(MANIFEST)
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise BundleInvalid(file=path, reason="its manifest cannot be read")
        try:
            found.case, found.outcome = manifest["case"]["number"], manifest["case"]["outcome"]
            found.sealed_at = manifest["sealed_at"]
            _check_signature(contents, manifest, key, found)
            _check_files(contents, manifest, found)
            entries = _check_ledger(contents.json(LEDGER), manifest, found)
            _check_originals(entries, manifest, found)
            _check_timeline(contents.json(TIMELINE), entries, found)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            found.fault("Something that a sealed file must hold is missing or has the wrong form: {what}.", what=repr(error))
    return found


def _guard(archive: zipfile.ZipFile, path: Path) -> None:
    """Nothing is unpacked to disk; still, nobody else shall be trapped by a file that we call good."""
    names = archive.namelist()
    if len({name.casefold() for name in names}) != len(names):
        raise BundleInvalid(file=path, reason="a name occurs twice in it")
    if len(names) > _MOST_MEMBERS or sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
        raise BundleInvalid(file=path, reason="unpacked it would be too large")
    for entry in archive.infolist():
        parts = entry.filename.split("/")
        if entry.filename != entry.orig_filename or re.search(r"[\\:\x00-\x1f]", entry.filename) or not {"", ".", ".."}.isdisjoint(parts):
            raise BundleInvalid(file=path, reason=f"it holds an unsafe name: {entry.filename!r}")
        if entry.flag_bits & 0x1 or stat.S_ISLNK(entry.external_attr >> 16):
            raise BundleInvalid(file=path, reason=f"a file in it is encrypted or a link: {entry.filename}")
    for needed in (MANIFEST, SIGNATURE, PUBLIC_KEY, LEDGER, TIMELINE):
        if needed not in names:
            raise BundleInvalid(file=path, reason=f"a file that it needs is missing: {needed}")


class _Contents:
    """The members of an open archive; a damaged one is a fault, said once."""

    def __init__(self, archive: zipfile.ZipFile, found: Verification) -> None:
        self._archive = archive
        self._found = found
        self._damaged: set[str] = set()
        self.names = frozenset(archive.namelist())

    def chunks(self, name: str) -> Iterator[bytes]:
        try:
            with self._archive.open(name) as member:
                while chunk := member.read(_CHUNK):
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
            if name not in self._damaged:
                self._damaged.add(name)
                self._found.fault("{file} is damaged and cannot be unpacked.", file=name)

    def read(self, name: str) -> bytes:
        return b"".join(self.chunks(name))

    def json(self, name: str) -> Any:
        try:
            return orjson.loads(self.read(name))
        except ValueError:
            return None

    def digest(self, name: str) -> tuple[int, str]:
        """Size and SHA-256."""
        size, digest = 0, hashlib.sha256()
        for chunk in self.chunks(name):
            size += len(chunk)
            digest.update(chunk)
        return size, digest.hexdigest()


def _check_signature(contents: _Contents, manifest: Mapping[str, Any], key: str | None, found: Verification) -> None:
    try:
        public = load_pem_public_key(contents.read(PUBLIC_KEY))
        if not isinstance(public, Ed25519PublicKey):
            raise ValueError(PUBLIC_KEY)
        found.key = fingerprint(public)
        public.verify(contents.read(SIGNATURE), contents.read(MANIFEST))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        found.fault("The signature does not fit the manifest.")
    if found.key != manifest["signature"]["key"] or (key is not None and found.key != key.lower().replace(":", "")):
        found.fault("The file is not signed by the expected key, but by {key}.", key=found.key or "?")


def _check_files(contents: _Contents, manifest: Mapping[str, Any], found: Verification) -> None:
    listed = {file["path"]: (file["size"], file["sha256"]) for file in manifest["files"]}
    for path in sorted(listed.keys() - contents.names):
        found.fault("{file} is missing.", file=path)
    for path in sorted(contents.names - listed.keys() - _UNLISTED):
        found.fault("{file} was added; the manifest does not name it.", file=path)
    for path in sorted(listed.keys() & contents.names):
        found.files += 1
        if contents.digest(path) != listed[path]:
            found.fault("{file} was altered.", file=path)


def _check_ledger(chain: Any, manifest: Mapping[str, Any], found: Verification) -> list[dict[str, Any]]:
    """The chain from its first entry up to the head that the manifest names."""
    previous, entries = ledger.START, list(chain["entries"])
    for number, entry in enumerate(entries, 1):
        fields = {name: entry[name] for name in ("case", "number", "at", "event", "actor", "element")}
        payload_digest = hashlib.sha256(ledger.canonical(entry["payload"])).hexdigest()
        if entry["number"] != number:
            found.fault("Ledger entry {number} is missing or out of order.", number=number)
        elif (entry["previous"], entry["payload_digest"]) != (previous, payload_digest) or entry["digest"] != ledger.digest(
            fields, payload_digest, previous
        ):
            found.fault("Ledger entry {number} ({event}) was altered.", number=number, event=entry["event"])
        if entry["case"] != manifest["case"]["id"]:
            found.fault("Ledger entry {number} belongs to another case.", number=number)
        previous = entry["digest"]
        found.entries += 1
    if (previous, len(entries)) != (manifest["ledger"]["head"], manifest["ledger"]["entries"]):
        found.fault("The ledger does not end where the manifest says.")
    closed = [entry["payload"].get("outcome") for entry in entries if entry["event"] == ledger.Event.CASE_CLOSED]
    if closed[-1:] != [manifest["case"]["outcome"]]:  # one that was opened again was closed before
        found.fault("The outcome in the manifest is not the one in the ledger.")
    return entries


def _check_originals(entries: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any], found: Verification) -> None:
    """What the ledger says was stored is there, unchanged, and nothing else is."""
    originals = [file for file in manifest["files"] if file["path"].startswith((DOCUMENTS, SNAPSHOTS))]
    listed = {(file["id"], file["sha256"]) for file in originals if "request_of" not in file}
    payloads = [(entry["payload"], _STORED[entry["event"]]) for entry in entries if entry["event"] in _STORED]
    stored = {(payload[name], payload["sha256"]) for payload, name in payloads}
    for identity, _ in sorted(stored - listed):
        found.fault("The original {id} that the ledger names is missing or altered.", id=identity)
    for identity, _ in sorted(listed - stored):
        found.fault("The original {id} is not in the ledger.", id=identity)


def _check_timeline(timeline: Any, entries: Sequence[Mapping[str, Any]], found: Verification) -> None:
    """The readable account says what the ledger says."""
    told = list(timeline["events"])
    if len(told) != len(entries):
        found.fault("The timeline has {told} events, the ledger {entries}.", told=len(told), entries=len(entries))
    for event, entry in zip(told, entries, strict=False):
        payload = {name: value for name, value in entry["payload"].items() if name != "salt"}
        actor, element = (event["actor"] or {}).get("id"), (event["element"] or {}).get("id")
        if (event["number"], event["at"], event["event"], actor, element, event["payload"]) != (
            *(entry[name] for name in ("number", "at", "event", "actor", "element")),
            payload,
        ):
            found.fault("Event {number} of the timeline is not what the ledger says.", number=entry["number"])
