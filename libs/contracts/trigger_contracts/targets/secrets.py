"""Secrets that requests are signed with, as Standard Webhooks writes them. Pure but for chance."""

import base64
import binascii
import secrets as chance

from trigger_contracts.errors import Code, refused

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
_NEW_BYTES = 32
POINTER = "/secret"


def new_secret() -> str:
    """One that nobody has."""
    return PREFIX + base64.b64encode(chance.token_bytes(_NEW_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that a secret signs with; raises ``Refused``, which quotes nothing of it."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not secret.startswith(PREFIX) or not LEAST_BYTES <= len(key) <= MOST_BYTES:
        detail = f"must be {PREFIX} and {LEAST_BYTES} to {MOST_BYTES} bytes as base64"
        raise refused(Code.INVALID, detail, pointer=POINTER)
    return key
