"""What a head says about the message itself: whom it is for, and how its body is framed (RFC 9112).

The parser finds where a body ends. It does not ask what was done to it: a transfer coding that
nobody here undoes would reach the application as bytes that mean nothing.
"""

import re

from trigger_contracts.errors import Code

from .refusals import refusal

_HOST = re.compile(
    rb"(?:\[[0-9A-Za-z:.%_~-]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
)
"""RFC 9110, 7.2: a host, which may be empty, and perhaps a port."""


def fault(headers: list[tuple[bytes, bytes]], version: str) -> bytes | None:
    """The whole answer to a head that is not to be served; None for one that is.

    Names are in lower case, as the parser's caller makes them.
    """
    return _coding_fault(_values(headers, b"transfer-encoding"), version) or _host_fault(
        _values(headers, b"host"), version
    )


def _host_fault(hosts: list[bytes], version: str) -> bytes | None:
    if len(hosts) > 1:
        return _malformed("Host may be sent only once")
    if not hosts:
        return _malformed("HTTP/1.1 asks for the header Host") if version == "1.1" else None
    if _HOST.fullmatch(hosts[0]) is None:
        return _malformed("Host must be a host name or address, and perhaps a port")
    return None


def _coding_fault(lines: list[bytes], version: str) -> bytes | None:
    """The lines are one list, whose elements may be empty."""
    if not lines:
        return None
    if version == "1.0":
        return _malformed("Transfer-Encoding is not known to HTTP/1.0")
    codings = [coding for each in b",".join(lines).split(b",") if (coding := each.strip(b" \t"))]
    if any(coding.lower() != b"chunked" for coding in codings):
        detail = "Transfer-Encoding may be chunked; a body in gzip is sent with Content-Encoding"
        return refusal(Code.UNSUPPORTED_TRANSFER_CODING, detail)
    if len(codings) != 1:
        return _malformed("Transfer-Encoding must be chunked, once")
    return None


def _values(headers: list[tuple[bytes, bytes]], wanted: bytes) -> list[bytes]:
    return [value.strip(b" \t") for name, value in headers if name == wanted]


def _malformed(detail: str) -> bytes:
    return refusal(Code.MALFORMED_REQUEST, detail)
