"""Proving to the broker who one is by a key instead of a password: NKEYs, and the JWTs beside them.

A seed is what NATS' tools write (``SU…``): two bytes of kind, 32 of an Ed25519 key and a checksum,
in base32. A ``.creds`` file holds a user's JWT and the seed that it was made for. Nothing here
quotes a seed.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SEED = 18 << 3
"""The letter S."""
_USER = 20 << 3
"""The letter U."""
_BODY = 32
"""Bytes of a key."""

_JWT = re.compile(r"-+BEGIN NATS USER JWT-+\s+(\S+)\s+-+END NATS USER JWT-+")
_KEY = re.compile(r"-+BEGIN USER NKEY SEED-+\s+(\S+)\s+-+END USER NKEY SEED-+")


@dataclass(frozen=True, slots=True)
class NkeyIdentity:
    """Who somebody is to the broker, and the proof of it."""

    public: str
    """The public key, as the broker's configuration names it."""
    jwt: str | None
    """What an account says of this user; the broker then needs no list of users."""
    key: bytes = field(repr=False)

    def sign(self, nonce: str) -> bytes:
        """The answer to a challenge of the broker, in base64."""
        return base64.b64encode(_private(self.key).sign(nonce.encode()))


def from_seed(text: str, jwt: str | None = None) -> NkeyIdentity:
    """Of the text of a seed file. Raises ValueError, whose message continues the file's name."""
    lines = [line.strip() for line in text.splitlines()]
    seed = next((line for line in lines if line and not line.startswith("#")), "")
    key = _user_key(seed)
    public = bytes((_USER,)) + _private(key).public_key().public_bytes_raw()
    return NkeyIdentity(_base32(public + _checksum(public)), jwt, key)


def from_creds(text: str) -> NkeyIdentity:
    """Of the text of a ``.creds`` file. Raises ValueError, as ``from_seed`` does."""
    jwt, key = _JWT.search(text), _KEY.search(text)
    if jwt is None or key is None:
        raise ValueError("holds no user JWT and NKEY seed between their lines of BEGIN and END")
    return from_seed(key[1], jwt[1])


def _user_key(seed: str) -> bytes:
    try:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except ValueError:  # binascii.Error among them
        raw = b""
    body, checksum = raw[:-2], raw[-2:]
    if len(body) != 2 + _BODY or checksum != _checksum(body) or body[0] & 0b1111_1000 != _SEED:
        raise ValueError("holds no NKEY seed")
    if (body[0] & 0b111) << 5 | body[1] >> 3 != _USER:
        raise ValueError("holds the NKEY seed of something else than a user")
    return body[2:]


def _private(key: bytes) -> "Ed25519PrivateKey":
    # 45 ms of a start, for those who need it.
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    return ed25519.Ed25519PrivateKey.from_private_bytes(key)


def _checksum(data: bytes) -> bytes:
    return binascii.crc_hqx(data, 0).to_bytes(2, "little")


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=")
