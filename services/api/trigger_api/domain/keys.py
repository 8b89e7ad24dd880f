"""API keys: how one is written, stored and recognised.

A key is ``etp_<id>.<secret>``; only the SHA-256 of its secret is ever stored, looked up by
the id. Whatever is wrong with a key, it takes the same time and gives the same answer.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_KEY_LENGTH = 256
"""Longer ones are not ours; hashing them would be work for nothing."""

SCOPES = ("read", "write", "fire", "test", "admin")
"""What a key may do: all of it, as long as there is one kind of key."""

_KEY = re.compile(r"etp_([A-Za-z0-9_-]{1,64})\.([!-~]+)")
_STORED = re.compile(r"([A-Za-z0-9_-]{1,64}):([0-9a-f]{64})")
_NOBODYS_SECRET = "0" * 64
"""Compared with where the id is unknown: no SHA-256 that anybody knows a text for."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What the platform knows of an API key."""

    key_id: str
    secret_sha256: str = field(repr=False)


def parse_stored(text: str) -> StoredKey:
    """``<id>:<SHA-256 of the secret, hex>``; raises ``ValueError``."""
    match = _STORED.fullmatch(text)
    if match is None:
        raise ValueError("must be <key id>:<SHA-256 of the secret in lower-case hex>")
    return StoredKey(key_id=match[1], secret_sha256=match[2])


def key_id_of(presented: str | None, keys: Mapping[str, StoredKey]) -> str | None:
    """The id of the key that was presented, if it is one of ``keys``."""
    match = _KEY.fullmatch(presented) if presented and len(presented) <= MAX_KEY_LENGTH else None
    key_id, secret = match.groups() if match else ("", "")
    stored = keys.get(key_id)
    expected = stored.secret_sha256 if stored else _NOBODYS_SECRET
    matches = hmac.compare_digest(hashlib.sha256(secret.encode()).hexdigest(), expected)
    return key_id if matches and stored is not None else None
