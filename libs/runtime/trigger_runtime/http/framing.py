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

_VERSIONS = frozenset({"1.0", "1.1"})
"""What the parser makes of others is a request of HTTP/1.1, which their sender did not write."""

_NO_PATH = re.compile(rb"^https?://[^/?#]+(?=[?#]|$)", re.IGNORECASE)

_FRAMES = frozenset({b"content-length", b"transfer-encoding"})


def fault(headers: list[tuple[bytes, bytes]], version: str) -> bytes | None:
    """The whole answer to a head that is not to be served; None for one that is.

    Names are in lower case, as the parser's caller makes them.
    """
    if version not in _VERSIONS:
        return _malformed("HTTP/1.1 and HTTP/1.0 are understood here")
    return _coding_fault(_values(headers, b"transfer-encoding"), version) or _host_fault(
        _values(headers, b"host"), version
    )


def head_of_body(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    """A head that says of a body what ``headers`` say, and nothing else; None where there is none.

    For the parser: it reads no body behind a head that asks for an upgrade.
    """
    lines = [b"%s: %s\r\n" % each for each in headers if each[0] in _FRAMES]
    return b"".join((b"POST / HTTP/1.1\r\n", *lines, b"\r\n")) if lines else None


def with_path(target: bytes) -> bytes:
    """A request target whose path is not empty: ``http://a`` means ``http://a/``."""
    return _NO_PATH.sub(rb"\g<0>/", target)


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
