"""Hosts of URLs: which one is meant, however it is spelled.

A name is compared and looked up as IDNA has it (UTS 46: small letters, and one letter for those
that look or count alike), without the dot at its end. What ends in a number is an IPv4 address to
browsers and C libraries, ``127.1`` and ``0x7f000001`` and ``2130706433`` among them (the URL
Standard, 3.5): so it is one here, too. Pure.
"""

import re
from ipaddress import IPv4Address

import idna

MAX_NAME = 253
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
LOCAL_NAME = "localhost"
"""It, and what ends in it, is this machine, whatever a name server says (RFC 6761)."""


class HostError(ValueError):
    """A host that is none; its text says why."""


def canonical_name(host: str) -> str:
    """``host`` as it is looked up: ASCII, small letters, no dot behind it.

    Raises HostError. An IPv4 address in any spelling comes out in the usual one.
    """
    try:
        text = host if host.isascii() else idna.encode(host, uts46=True, std3_rules=False).decode()
    except (idna.IDNAError, UnicodeError):
        raise HostError("the host is no name that can be looked up") from None
    name = text.lower().removesuffix(".")
    if not name or len(name) > MAX_NAME:
        raise HostError(f"a host must have 1 to {MAX_NAME} characters")
    address = ipv4(name)
    if address is not None:
        return str(address)
    if not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise HostError(
            "a host has letters, digits, - and _ in parts of 1 to 63 characters, with dots between"
        )
    return name


def ipv4(name: str) -> IPv4Address | None:
    """The address that ``name`` is if it ends in a number; None where it does not.

    Raises HostError where it ends in one and is no address.
    """
    parts = name.split(".")
    if not _NUMBER.fullmatch(parts[-1]):
        return None
    numbers = [_number(part) for part in parts]
    *heads, last = numbers
    if len(numbers) > 4 or any(head > 255 for head in heads) or last >= 256 ** (5 - len(numbers)):
        raise HostError("a host that ends in a number must be an IPv4 address")
    value = last
    for place, head in enumerate(heads):
        value += head * 256 ** (3 - place)
    return IPv4Address(value)


def is_local(name: str) -> bool:
    """Whether a name is this machine's, whoever resolves it."""
    return name == LOCAL_NAME or name.endswith(f".{LOCAL_NAME}")


def _number(part: str) -> int:
    if not _NUMBER.fullmatch(part) or len(part) > 40:
        raise HostError("a host that ends in a number must be an IPv4 address")
    if part[:2] in ("0x", "0X"):
        return int(part[2:] or "0", 16)
    if len(part) > 1 and part[0] == "0":
        try:
            return int(part, 8)
        except ValueError:
            raise HostError("a host that ends in a number must be an IPv4 address") from None
    return int(part)
