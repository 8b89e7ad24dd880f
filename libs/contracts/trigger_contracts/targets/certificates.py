"""Certificates that a target's owner wants trusted instead of the system's. Pure."""

from cryptography import x509

from trigger_contracts.errors import FieldError

POINTER = "/ca"


def check_authorities(pem: str) -> list[FieldError]:
    """What is wrong with them: nothing where there is at least one, and all can be read."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        found = []
    if found:
        return []
    return [FieldError(pointer=POINTER, message="must be one or more certificates as PEM")]
