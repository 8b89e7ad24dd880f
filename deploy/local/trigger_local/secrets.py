"""Passwords and the API key, made once per data directory and kept there, mode 0600.

Never prints or logs a secret. ``etp up`` makes them, ``etp status`` reads them.
"""

import hashlib
import json
import re
import secrets
from dataclasses import asdict, dataclass

from trigger_admin.database import DATABASE_ROLES
from trigger_contracts.topology import PERMISSIONS

from .errors import UnreadableError
from .home import Home, read_json, write_private

_API_KEY = re.compile(r"etp_[0-9a-f]+\.[A-Za-z0-9_-]+")

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

    @property
    def api_key_hash(self) -> str:
        """``<id>:<sha256 hex of the secret>``: all that a service gets to see of the key."""
        key_id, secret = self.api_key.removeprefix("etp_").split(".", 1)
        return f"{key_id}:{hashlib.sha256(secret.encode()).hexdigest()}"


def generate() -> Secrets:
    return _complete({}, {}, None, None)


def load_or_create(home: Home) -> Secrets:
    """Read the kept secrets; users and roles that are new since then get theirs now."""
    kept = load(home)
    complete = (
        _complete(kept.nats, kept.postgres, kept.api_key, kept.session) if kept else generate()
    )
    if complete != kept:
        write_private(home.secrets, json.dumps(asdict(complete), indent=2))
    return complete


def load(home: Home) -> Secrets | None:
    """Raises UnreadableError: new ones would open neither server of an existing data directory."""
    kept = read_json(home.secrets)
    if kept is None:
        return None
    match kept:
        case {"nats": dict(nats), "postgres": dict(postgres), "api_key": str(api_key)} if (
            _API_KEY.fullmatch(api_key)
            and all(isinstance(one, str) for one in (*nats.values(), *postgres.values()))
        ):
            # Directories of before have none: sessions begin with the next start.
            session = kept.get("session")
            return Secrets(nats, postgres, api_key, session if isinstance(session, str) else "")
    raise UnreadableError(
        str(home.secrets),
        "Bring it back from a backup: the servers of this directory know no other passwords.",
    )


def _complete(
    nats: dict[str, str], postgres: dict[str, str], api_key: str | None, session: str | None
) -> Secrets:
    return Secrets(
        nats={str(user): nats.get(user) or _password() for user in PERMISSIONS},
        postgres={
            role: postgres.get(role) or _password() for role in (DATABASE_OWNER, *DATABASE_ROLES)
        },
        api_key=api_key
        or f"etp_{secrets.token_hex(KEY_ID_BYTES)}.{secrets.token_urlsafe(SECRET_BYTES)}",
        session=session or secrets.token_urlsafe(SECRET_BYTES),
    )


def _password() -> str:
    # Letters and digits only: it stands in URLs and configuration files without any quoting.
    return secrets.token_hex(24)
