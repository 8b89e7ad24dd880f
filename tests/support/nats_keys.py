"""NKEYs, and the JWTs that an operator and an account sign with them, as NATS' own tools do."""

import base64
import binascii
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

OPERATOR, ACCOUNT, USER = 14 << 3, 0, 20 << 3
_SEED = 18 << 3

_LIMITS = ("subs", "data", "payload", "imports", "exports", "conn", "leaf")
_OF_JETSTREAM = ("mem_storage", "disk_storage", "streams", "consumer")
_BARE_LIMITS = {**dict.fromkeys(_LIMITS, -1), "wildcards": True}
"""No limits, and no streams."""
_NO_LIMITS = {**_BARE_LIMITS, **dict.fromkeys(_OF_JETSTREAM, -1)}


class KeyPair:
    def __init__(self, kind: int) -> None:
        self._key = Ed25519PrivateKey.generate()
        raw = self._key.private_bytes_raw()
        self.public = _encoded(bytes((kind,)) + self._key.public_key().public_bytes_raw())
        self.seed = _encoded(bytes((_SEED | kind >> 5, (kind & 31) << 3)) + raw)

    def jwt(self, subject: str, kind: str, *, expires_at: int | None = None, **claims: Any) -> str:
        """What the owner of this key says of somebody; ``expires_at`` in seconds since 1970."""
        body = {
            **({} if expires_at is None else {"exp": expires_at}),
            "jti": subject,
            "iat": 1_700_000_000,
            "iss": self.public,
            "sub": subject,
            "name": kind,
            "nats": {**claims, "type": kind, "version": 2},
        }
        signed = f"{_part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_part(body)}"
        return f"{signed}.{_url(self._key.sign(signed.encode()))}"


def trusting(operator: KeyPair, account: KeyPair) -> dict[str, object]:
    """The configuration of a broker with one account, whose users are known by their JWTs."""
    limits: dict[str, Any] = {"limits": _NO_LIMITS, "default_permissions": {"pub": {}, "sub": {}}}
    system = KeyPair(ACCOUNT)
    return {
        "operator": operator.jwt(operator.public, "operator"),
        "resolver": "MEMORY",
        "system_account": system.public,
        "resolver_preload": {
            account.public: operator.jwt(account.public, "account", **limits),
            system.public: operator.jwt(system.public, "account", limits=_BARE_LIMITS),
        },
    }


def creds(jwt: str, seed: str) -> str:
    """The text of a ``.creds`` file."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        "************************* IMPORTANT *************************\n"
        "NKEY Seed printed below can be used to sign and prove identity.\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n\n"
    )


def _part(value: dict[str, Any]) -> str:
    return _url(json.dumps(value, separators=(",", ":")).encode())


def _url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _encoded(data: bytes) -> str:
    checksum = binascii.crc_hqx(data, 0).to_bytes(2, "little")
    return base64.b32encode(data + checksum).decode().rstrip("=")
