"""Who sends a request: the owner of a key, by the key itself or by the cookie of a session."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from trigger_api.domain.keys import StoredKey, key_id_of
from trigger_api.domain.sessions import Session, SessionCookie

SESSION_PATH = "/session"
"""Answers those that have no key, too."""


@dataclass(frozen=True, slots=True)
class Caller:
    """``session`` is None for whoever sent the key itself."""

    key_id: str
    session: Session | None


@dataclass(frozen=True, slots=True)
class Callers:
    """Knows the keys, the cookie, and the hosts of which pages may use it."""

    keys: Mapping[str, StoredKey]
    cookie: SessionCookie
    own_hosts: frozenset[bytes]

    def of(self, headers: Mapping[bytes, bytes], now: datetime) -> Caller | None:
        """A cookie is looked at only where no key is sent."""
        presented = _presented(headers)
        if presented is not None or b"cookie" not in headers:
            key_id = key_id_of(presented, self.keys)
            return None if key_id is None else Caller(key_id, None)
        session = self.cookie.read(headers[b"cookie"].decode("latin-1"), self.keys, now)
        return None if session is None else Caller(session.key_id, session)

    def renewal(self, session: Session | None, now: datetime) -> str | None:
        """The ``Set-Cookie`` line that goes out with an answer, if any."""
        if session is None or not session.is_to_be_renewed(now):
            return None
        return self.cookie.begin(self.keys[session.key_id], now)[1]


def _presented(headers: Mapping[bytes, bytes]) -> str | None:
    key = headers.get(b"x-api-key")
    if key is not None:
        return key.decode("latin-1")
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else None
