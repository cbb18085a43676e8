"""Sealing of secrets: AES-256-GCM, bound to the record they belong to, keys kept
outside the database."""

import base64
import binascii
import os
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12  # bytes, NIST SP 800-38D §8.2.1
_VERSION = "c1"
_KEY_ID = re.compile(r"^[A-Za-z0-9_-]{1,32}$")


class KeyRingError(Exception):
    """``code`` is ``missing``, ``malformed``, ``unknown_key`` or ``tampered``; never
    holds key material."""

    def __init__(self, code: str, key_id: str = ""):
        super().__init__(f"{code} {key_id}".strip())
        self.code = code
        self.key_id = key_id


class KeyRing:
    """Keys by id. The first seals, every one opens, so a new key is put in front and
    the old ones stay until resealed."""

    def __init__(self, keys: dict[str, bytes]):
        if not keys:
            raise KeyRingError("missing")
        self._keys = keys
        self.newest = next(iter(keys))

    @classmethod
    def parse(cls, text: str | None) -> "KeyRing":
        """From ``id:base64-of-32-bytes[,id:…]``, newest first. KeyRingError when there
        is none or one is malformed."""
        keys = {}
        for number, entry in enumerate(
            filter(None, (part.strip() for part in (text or "").split(","))), 1
        ):
            key_id, _, encoded = entry.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if not _KEY_ID.fullmatch(key_id) or len(key) != 32 or key_id in keys:
                # By its number: what stands before the colon, or without one, may be
                # the key itself.
                raise KeyRingError("malformed", f"#{number}")
            keys[key_id] = key
        return cls(keys)

    def seal(self, secret: str, context: str) -> str:
        """``context`` names the record and field; a sealed text moved elsewhere does
        not open."""
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self._keys[self.newest]).encrypt(
            nonce, secret.encode(), context.encode()
        )
        return ".".join(
            (_VERSION, self.newest, base64.urlsafe_b64encode(nonce + sealed).decode())
        )

    def open(self, sealed: str, context: str) -> str:
        """The secret; KeyRingError when its key is not in the ring or the text or its
        place was changed."""
        version, _, rest = sealed.partition(".")
        key_id, _, payload = rest.partition(".")
        if version != _VERSION:
            raise KeyRingError("tampered")
        if key_id not in self._keys:
            raise KeyRingError("unknown_key", key_id)
        try:
            raw = base64.urlsafe_b64decode(payload.encode())
            return (
                AESGCM(self._keys[key_id])
                .decrypt(raw[:_NONCE], raw[_NONCE:], context.encode())
                .decode()
            )
        except (InvalidTag, ValueError):
            raise KeyRingError("tampered", key_id) from None

    def is_newest(self, sealed: str) -> bool:
        return sealed.split(".")[1:2] == [self.newest]
