"""Certificates that a target's owner wants trusted instead of the system's. Pure."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trigger_contracts.errors import FieldError

POINTER = "/ca"
MAX_BYTES = 16 * 1024


def check_authorities(pem: str) -> list[FieldError]:
    """What is wrong with them: nothing where there is at least one, and all can be read."""
    try:
        # Characters are counted where fields are read; one may be of several bytes.
        why = None if len(pem.encode()) <= MAX_BYTES else f"must be at most {MAX_BYTES} bytes"
        authorities_in(pem)
    except ValueError:
        why = "must be one or more certificates as PEM"
    return [] if why is None else [FieldError(pointer=POINTER, message=why)]


def authorities_in(pem: str) -> bytes:
    """The certificates as DER, one behind the other: what trust is made of.

    What stands between them, in whatever letters, is for people, and other readers refuse it.
    Raises ValueError where there is none, or where one cannot be read.
    """
    found = x509.load_pem_x509_certificates(pem.encode())
    return b"".join(one.public_bytes(Encoding.DER) for one in found)
