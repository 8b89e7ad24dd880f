"""Passwords and the API key, made once per data directory and kept there, mode 0600.

Never prints or logs a secret. ``etp up`` makes them, ``etp status`` reads them.
"""

import json
import re
from dataclasses import asdict, replace
from typing import Any

from trigger_admin.credentials import (
    DATABASE_OWNER,
    Secrets,
    complete,
    generate,
    with_new_sealing_key,
)
from trigger_contracts.targets.sealing import SealError, opening_keys

from .errors import UnreadableError
from .home import Home, read_json, write_private

__all__ = ["DATABASE_OWNER", "Secrets", "generate", "load", "load_or_create"]

_API_KEY = re.compile(r"etp_[0-9a-f]+\.[A-Za-z0-9_-]+")


def load_or_create(home: Home) -> Secrets:
    """Read the kept secrets; users and roles that are new since then get theirs now."""
    kept = load(home)
    whole = (
        complete(kept.nats, kept.postgres, kept.api_key, kept.session, kept.sealing)
        if kept
        else generate()
    )
    if whole != kept:
        _write(home, whole)
    return whole


def add_sealing_key(home: Home) -> Secrets:
    """A new key is the current one; the next start hands it out. Raises UnreadableError."""
    known = with_new_sealing_key(load_or_create(home))
    _write(home, known)
    return known


def drop_old_sealing_keys(home: Home) -> Secrets:
    """All but the current one. Raises UnreadableError."""
    known = load_or_create(home)
    known = replace(known, sealing=known.sealing[:1])
    _write(home, known)
    return known


def _write(home: Home, known: Secrets) -> None:
    write_private(home.secrets, json.dumps(asdict(known), indent=2))


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
            # Directories of before have neither: sessions begin with the next start.
            session, sealing = kept.get("session", ""), kept.get("sealing", ())
            if isinstance(session, str) and _are_keys(sealing):
                return Secrets(nats, postgres, api_key, session, tuple(sealing))
    raise UnreadableError(
        str(home.secrets),
        "Bring it back from a backup: the servers of this directory know no other passwords.",
    )


def _are_keys(kept: Any) -> bool:
    if not isinstance(kept, list | tuple) or not all(isinstance(one, str) for one in kept):
        return False
    try:
        return not kept or opening_keys(kept) is not None
    except SealError:
        return False
