"""Passwords and the API key of one installation, new and random.

Knows what there is to be made, and nothing of where it is kept: ``etp up`` and the Compose files
each keep it in a folder of their own.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from trigger_contracts.targets.sealing import new_key, public_of
from trigger_contracts.topology import PERMISSIONS

from .database import DATABASE_ROLES

DATABASE_OWNER = "etp_admin"

KEY_ID_BYTES = 6
"""12 hex digits: enough to look a key up by; not secret."""

SECRET_BYTES = 32
"""256 bits: nobody guesses it, so a plain SHA-256 of it may be stored."""


@dataclass(frozen=True, slots=True)
class Secrets:
    nats: dict[str, str]
    """Password of each NATS user."""
    postgres: dict[str, str]
    """Password of each PostgreSQL role, the owner included."""
    api_key: str
    """``etp_<id>.<secret>`` in plain text."""
    session: str
    """What the cookies of browsers are signed with."""
    sealing: tuple[str, ...] = field(repr=False)
    """Private keys to which secrets of targets are sealed, the current one first."""

    @property
    def sealing_keys(self) -> str:
        """All of them, as the setting has them."""
        return ",".join(self.sealing)

    @property
    def sealing_public_key(self) -> str:
        """The public half of the current one. Raises SealError."""
        return public_of(self.sealing[0])

    @property
    def api_key_hash(self) -> str:
        """``<id>:<sha256 hex of the secret>``: all that a service gets to see of the key."""
        key_id, secret = self.api_key.removeprefix("etp_").split(".", 1)
        return f"{key_id}:{hashlib.sha256(secret.encode()).hexdigest()}"


def generate() -> Secrets:
    return complete({}, {}, None, None, ())


def complete(
    nats: dict[str, str],
    postgres: dict[str, str],
    api_key: str | None,
    session: str | None,
    sealing: Sequence[str],
) -> Secrets:
    """What is there, and new ones for every user and role that has none."""
    return Secrets(
        nats={str(user): nats.get(user) or password() for user in PERMISSIONS},
        postgres={
            role: postgres.get(role) or password() for role in (DATABASE_OWNER, *DATABASE_ROLES)
        },
        api_key=api_key
        or f"etp_{secrets.token_hex(KEY_ID_BYTES)}.{secrets.token_urlsafe(SECRET_BYTES)}",
        session=session or secrets.token_urlsafe(SECRET_BYTES),
        sealing=tuple(sealing) or (new_key(),),
    )


def with_new_sealing_key(known: Secrets) -> Secrets:
    """What is sealed from now on is sealed to a new key; the others open what is there."""
    return replace(known, sealing=(new_key(), *known.sealing))


def password() -> str:
    # Letters and digits only: it stands in URLs and configuration files without any quoting.
    return secrets.token_hex(24)
