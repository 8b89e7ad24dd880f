"""Secrets of targets, sealed to the executor's public key before anything is published.

HPKE (RFC 9180: X25519, HKDF-SHA256, AES-128-GCM), in one shot each. So no stream, table or backup
has one that its reader could open, and neither can the gateway, which sealed it. What is sealed is
bound to its target and field: moved to another one, it does not open. Pure but for the randomness
of a seal.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

VERSION = "hpke1"
KEY_BYTES = 32
SECRET_FIELD = "secret"  # noqa: S105 - the name of a field
"""What the secret that requests are signed with is sealed for."""

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
_SEALED = re.compile(rf"{VERSION}\.(?P<key_id>[0-9a-f]{{16}})\.(?P<text>[A-Za-z0-9_-]{{48,8192}})")


class SealError(Exception):
    """A secret that does not open, or a key that is none. Its text holds nothing of either."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    """The public half, which everybody may know."""

    public: X25519PublicKey

    @property
    def key_id(self) -> str:
        """Which key it is: by it whoever opens finds the private half."""
        return _key_id(self.public)

    @property
    def text(self) -> str:
        return _text(self.public.public_bytes(Encoding.Raw, PublicFormat.Raw))

    def seal(self, secret: str, *, target_id: str, field: str) -> str:
        """``secret``, for the ``field`` of this target alone."""
        sealed = _SUITE.encrypt(secret.encode(), self.public, info=_info(target_id, field))
        return f"{VERSION}.{self.key_id}.{_text(sealed)}"


@dataclass(frozen=True, slots=True)
class OpeningKeys:
    """The private halves, the first of which is the current one: who delivers has them alone."""

    keys: tuple[X25519PrivateKey, ...]

    def open(self, sealed: str, *, target_id: str, field: str) -> str:
        """The secret; raises SealError where no key opens it for this field."""
        match = _SEALED.fullmatch(sealed)
        if match is None:
            raise SealError("it is not sealed")
        for key in self.keys:
            if _key_id(key.public_key()) != match["key_id"]:
                continue
            try:
                opened = _SUITE.decrypt(_bytes(match["text"]), key, info=_info(target_id, field))
            except (InvalidTag, ValueError):
                raise SealError(
                    "it was sealed for another target or field, or is damaged"
                ) from None
            return opened.decode()
        raise SealError(f"no key has the id {match['key_id']}")

    @property
    def current(self) -> SealingKey:
        return SealingKey(self.keys[0].public_key())


def header_field(name: str) -> str:
    """What a secret header's value is sealed for: its name in small letters, for a PUT may spell it
    otherwise and keep the value.
    """
    return f"secret_headers/{name.lower()}"


def key_id_of(sealed: str) -> str | None:
    """The id of the key that a secret is sealed to; None where it is not sealed."""
    match = _SEALED.fullmatch(sealed)
    return None if match is None else match["key_id"]


def is_sealed(text: str) -> bool:
    """Whether it has the form of a sealed secret; whether it opens only its key can tell."""
    return _SEALED.fullmatch(text) is not None


def new_key() -> str:
    """A private key, as a setting has it."""
    key = X25519PrivateKey.generate()
    return _text(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))


def public_of(private: str) -> str:
    """The public half of a key that ``new_key`` made. Raises SealError."""
    return opening_keys([private]).current.text


def sealing_key(public: str) -> SealingKey:
    """A public key as a setting has it. Raises SealError."""
    key = SealingKey(X25519PublicKey.from_public_bytes(_key(public)))
    try:
        key.seal("", target_id="", field="")
    except ValueError:
        # A point of small order (RFC 7748, 6.1): zeros are one.
        raise SealError("nothing can be sealed to this key") from None
    return key


def opening_keys(private: Sequence[str]) -> OpeningKeys:
    """Private keys as a setting has them, the current one first. Raises SealError."""
    if not private:
        raise SealError("there must be a key")
    return OpeningKeys(tuple(X25519PrivateKey.from_private_bytes(_key(one)) for one in private))


def _key(text: str) -> bytes:
    try:
        found = _bytes(text)
    except (ValueError, binascii.Error):
        found = b""
    if len(found) != KEY_BYTES:
        raise SealError(f"a key is {KEY_BYTES} bytes as base64url")
    return found


def _key_id(public: X25519PublicKey) -> str:
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def _info(target_id: str, field: str) -> bytes:
    return f"etp target {VERSION}|{target_id}|{field}".encode()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
