"""Sessions of browsers: a signed cookie in place of a key in each request.

The cookie names a key and when it ends, signed together with what is stored of that key. So
nothing is stored for a session, any gateway with the same secret knows it, and it ends with its
key. Pure: instants and secrets are arguments.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .keys import StoredKey

LASTS = timedelta(hours=12)
"""After the last request that renewed it."""

RENEWED_AFTER = timedelta(minutes=10)
"""A cookie that is younger is not sent again: each answer would carry one."""

_VALUE = re.compile(r"([A-Za-z0-9_-]{1,64})\.([1-9][0-9]{0,10})\.([A-Za-z0-9_-]{43})", re.ASCII)
_MAX_VALUES = 10
"""Cookies of one name that are looked at: other ports and paths of a host may set some."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in with a key."""

    key_id: str
    expires_at: datetime

    def is_to_be_renewed(self, now: datetime) -> bool:
        return self.expires_at - now < LASTS - RENEWED_AFTER


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """How the cookie is called and signed; ``is_secure``: it is sent over https alone."""

    name: str
    is_secure: bool
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes, *, port: int, is_secure: bool) -> "SessionCookie":
        """Cookies are shared by all ports of a host: a name for each keeps platforms apart."""
        prefix = "__Host-" if is_secure else ""
        return cls(f"{prefix}etp_session_{port}", is_secure, secret)

    def begin(self, key: StoredKey, now: datetime) -> tuple[Session, str]:
        """A session with its ``Set-Cookie`` line."""
        ends = (now + LASTS).replace(microsecond=0)
        value = f"{key.key_id}.{int(ends.timestamp())}.{self._signature(key, ends)}"
        return Session(key.key_id, ends), self._line(value, LASTS)

    def end(self) -> str:
        """The ``Set-Cookie`` line after which the browser has none."""
        return self._line("", timedelta())

    def read(self, cookies: str, keys: Mapping[str, StoredKey], now: datetime) -> Session | None:
        """The session that a ``Cookie`` header proves; None for forged, old and unknown ones."""
        sent = [
            value
            for name, _, value in (part.strip(" \t").partition("=") for part in cookies.split(";"))
            if name == self.name
        ]
        found = (self._proven(value, keys, now) for value in sent[:_MAX_VALUES])
        return next((session for session in found if session is not None), None)

    def _proven(self, value: str, keys: Mapping[str, StoredKey], now: datetime) -> Session | None:
        match = _VALUE.fullmatch(value)
        key = keys.get(match[1]) if match else None
        if match is None or key is None:
            return None
        ends = datetime.fromtimestamp(int(match[2]), UTC)
        is_ours = hmac.compare_digest(self._signature(key, ends), match[3])
        # One that ends later than any that began by now was signed with a clock that was ahead.
        return Session(key.key_id, ends) if is_ours and now < ends <= now + LASTS else None

    def _signature(self, key: StoredKey, ends: datetime) -> str:
        said = f"session\0{self.name}\0{key.key_id}\0{int(ends.timestamp())}\0{key.secret_sha256}"
        digest = hmac.new(self.secret, said.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _line(self, value: str, lasts: timedelta) -> str:
        secure = "; Secure" if self.is_secure else ""
        seconds = lasts // timedelta(seconds=1)
        return f"{self.name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def is_from_elsewhere(headers: Mapping[bytes, bytes], own_hosts: frozenset[bytes]) -> bool:
    """Whether a browser says, or cannot deny, that a page of another origin sent a request.

    A cookie goes out with what any port of the same host asks for, ``SameSite=Strict`` or not.
    ``Sec-Fetch-Site`` tells; over plain http off loopback browsers send none, and ``Origin`` has
    to be one of ``own_hosts`` or the host that was asked.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site != b"same-origin"
    scheme, _, host = headers.get(b"origin", b"").lower().partition(b"://")
    own = own_hosts | {headers.get(b"host", b"").lower()}
    return scheme not in (b"http", b"https") or not host or host not in own


def says_elsewhere(headers: Mapping[bytes, bytes], own_hosts: frozenset[bytes]) -> bool:
    """The same of a request that needs no cookie: programs, which say nothing, are not browsers."""
    asked = headers.keys() & {b"sec-fetch-site", b"origin"}
    is_typed = headers.get(b"sec-fetch-site") == b"none"
    return bool(asked) and not is_typed and is_from_elsewhere(headers, own_hosts)
