"""Sealing what must not lie open in the database, and the keys for it.

A sealed value is `suite (1 byte) | key id (4) | nonce (12) | AES-256-GCM ciphertext and tag`. The additional data are the
header and the *purpose*, which names table, column and row (`cases.state/<id>`): a value moved to another row or column no
longer opens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import KeyMissing, SealBroken, SettingWrong

_AES_256_GCM = b"\x01"
_NONCE = 12


class Keyring:
    """Data keys by id, the one in use, and the key that signs sealed files."""

    def __init__(self, keys: dict[bytes, bytes], current: bytes, signer: Ed25519PrivateKey, path: Path) -> None:
        self._keys = keys
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._header = _AES_256_GCM + current
        self._current = self._ciphers[current]
        self.signer = signer
        self.path = path
        secret = signer.private_bytes_raw()
        self._digests = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"partwell digests").derive(secret)

    @classmethod
    def open(cls, path: Path) -> Keyring:
        """Read the key file, or make it at the very first start (mode 0600). Raises SettingWrong if it cannot be read."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _create(path)
        try:
            stored = json.loads(path.read_text("utf-8"))
            keys = {bytes.fromhex(key_id): base64.b64decode(key) for key_id, key in stored["data_keys"].items()}
            signer = Ed25519PrivateKey.from_private_bytes(base64.b64decode(stored["signing_key"]))
            return cls(keys, bytes.fromhex(stored["current"]), signer, path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingWrong(setting="keys", reason=f"{path} is not a key file of Partwell ({error})") from error

    def fingerprints(self) -> dict[str, str]:
        """By key id, and `signer`: what tells each key from any other and says nothing about it, 64 hexadecimal digits."""
        found = {key_id.hex(): hmac.digest(key, b"partwell fingerprint", "sha256").hex() for key_id, key in self._keys.items()}
        return {**found, "signer": hashlib.sha256(self.signer.public_key().public_bytes_raw()).hexdigest()}

    def seal(self, plain: bytes, purpose: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return self._header + nonce + self._current.encrypt(nonce, plain, self._header + purpose.encode())

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """Raises KeyMissing for a key that is not here, SealBroken for a value that was altered or moved."""
        header, nonce = sealed[:5], sealed[5 : 5 + _NONCE]
        cipher = self.cipher_of(sealed)
        try:
            return cipher.decrypt(nonce, sealed[5 + _NONCE :], header + purpose.encode())
        except (InvalidTag, ValueError):  # a nonce cut short is no tag but a wrong value
            raise SealBroken(purpose=purpose) from None

    def cipher_of(self, sealed: bytes) -> AESGCM:
        """What opens a sealed value. Raises KeyMissing."""
        cipher = self._ciphers.get(sealed[1:5])
        if sealed[:1] != _AES_256_GCM or cipher is None:
            raise KeyMissing(key=sealed[1:5].hex(), path=self.path)
        return cipher

    def digest(self, text: str, purpose: str) -> str:
        """64 hexadecimal digits by which a text can be found again without lying open: HMAC-SHA256. Outlives the data keys."""
        return hmac.new(self._digests, f"{purpose}\0{text}".encode(), "sha256").hexdigest()

    def seal_json(self, value: Any, purpose: str) -> bytes:
        return self.seal(orjson.dumps(value), purpose)

    def unseal_json(self, sealed: bytes, purpose: str) -> Any:
        return orjson.loads(self.unseal(sealed, purpose))


def _create(path: Path) -> None:
    current = os.urandom(4).hex()
    content = {
        "data_keys": {current: base64.b64encode(AESGCM.generate_key(256)).decode()},
        "current": current,
        "signing_key": base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode(),
    }
    # Written whole under another name first: two processes at their first start agree on one file, and no half file stays.
    fresh = path.with_name(f"{path.name}.{os.urandom(8).hex()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
