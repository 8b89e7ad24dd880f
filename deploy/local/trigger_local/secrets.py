"""Passwords and the API key, made once per data directory and kept there, mode 0600.

Never prints or logs a secret. ``etp up`` makes them, ``etp status`` reads them.
"""

import json
import re
from dataclasses import asdict

from trigger_admin.credentials import DATABASE_OWNER, Secrets, complete, generate

from .errors import UnreadableError
from .home import Home, read_json, write_private

__all__ = ["DATABASE_OWNER", "Secrets", "generate", "load", "load_or_create"]

_API_KEY = re.compile(r"etp_[0-9a-f]+\.[A-Za-z0-9_-]+")


def load_or_create(home: Home) -> Secrets:
    """Read the kept secrets; users and roles that are new since then get theirs now."""
    kept = load(home)
    whole = complete(kept.nats, kept.postgres, kept.api_key, kept.session) if kept else generate()
    if whole != kept:
        write_private(home.secrets, json.dumps(asdict(whole), indent=2))
    return whole


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
