"""Bodies as they travel, made into what they say: RFC 9110's ``Content-Encoding``.

Pure, and a step at a time: no step makes more than ``STEP`` bytes, whatever it was fed, so that
a small body which means gigabytes is refused before it takes memory or time.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

from trigger_contracts.errors import Code, Refused, refused

STEP = 128 * 1024
"""Bytes made at once: a fraction of a millisecond."""
RATIO = 200
"""Times its size that a body may mean, from ``RATIO_FROM`` on: definitions come to 10 to 100."""
RATIO_FROM = 1024 * 1024
"""Decoded bytes below which any ratio will do: they fit into memory as they are."""
MAX_MEMBERS = 1024
"""Of one gzip body. Blocked gzip makes one of each 64 KiB: 512 of the largest body."""
UNDERSTOOD = "gzip, identity"
"""What ``Accept-Encoding`` says where another one was sent."""

_GZIP_ONLY = 16 + zlib.MAX_WBITS
_IDENTITY = frozenset({"", "identity"})
_GZIP = frozenset({"gzip", "x-gzip"})


class Decoder(Protocol):
    """Of one body."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What ``data`` means, in steps. Raises ``Refused``."""
        ...

    def finish(self) -> None:
        """The body is over. Raises ``Refused`` where it should not be."""
        ...


def decoder_of(content_encoding: bytes | None) -> Decoder | None:
    """The decoder of a body with this header, None where nothing is to be done.

    Raises ``Refused`` for what is not understood.
    """
    text = (content_encoding or b"").decode("latin-1")
    names = [name.strip().lower() for name in text.split(",")]
    applied = [name for name in names if name not in _IDENTITY]
    if not applied:
        return None
    if len(applied) == 1 and applied[0] in _GZIP:
        return Gunzip()
    detail = "Content-Encoding may be gzip or identity, or is left out"
    raise refused(Code.UNSUPPORTED_ENCODING, detail)


class Gunzip:
    """One body of one or more gzip members (RFC 1952)."""

    def __init__(self) -> None:
        self._inflating = zlib.decompressobj(_GZIP_ONLY)
        self._members = 1
        self._is_in_member = False
        self._was_any = False
        self._taken = 0
        self._made = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._taken += len(data)
        is_more = False
        while data or is_more:
            if not self._is_in_member:
                if self._was_any:
                    data = data.lstrip(b"\0")  # padding, as gzip(1) passes over it
                    if not data:
                        return
                    self._begin_another()
                self._is_in_member = self._was_any = True
            made = self._inflate(data)
            if made:
                self._count(len(made))
                yield made
            self._is_in_member = not self._inflating.eof
            data = self._inflating.unconsumed_tail or self._inflating.unused_data
            is_more = self._is_in_member and len(made) == STEP

    def finish(self) -> None:
        if self._is_in_member:
            raise _malformed("it ends too early")

    def _inflate(self, data: bytes) -> bytes:
        try:
            return self._inflating.decompress(data, STEP)
        except zlib.error:
            raise _malformed("it is corrupt, or not gzip at all") from None

    def _begin_another(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise _malformed(f"more than {MAX_MEMBERS} members are not accepted")
        self._inflating = zlib.decompressobj(_GZIP_ONLY)

    def _count(self, made: int) -> None:
        self._made += made
        if self._made > RATIO_FROM and self._made > RATIO * self._taken:
            detail = f"decoded, the body is more than {RATIO} times as large as it was sent"
            raise refused(Code.BODY_TOO_LARGE, detail)


def _malformed(why: str) -> Refused:
    return refused(Code.MALFORMED_ENCODING, f"Content-Encoding says that the body is gzip: {why}")
