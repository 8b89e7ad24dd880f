"""Large answers in JSON, as gzip where the client takes it.

Only what is made as a whole, and so has a length: streams and exports go out as they come, and
whatever is small stays as it is, above all the answers to fires. Made beside the event loop where
that would take longer than a millisecond, and never more than ``AT_ONCE`` of them: whoever comes
then is sent it as it is, which every client reads.

A secret could be guessed from the length of an answer that also repeats what an attacker chose
(BREACH). No answer repeats one: keys are never shown, a session is a cookie that no script reads,
and as it is ``SameSite=Strict``, another site's page has nothing asked with it.
"""

import asyncio
import zlib
from collections.abc import Mapping

from trigger_api.domain.accepted_encodings import prefers_gzip

LEAST_BYTES = 1024
"""Up to here an answer goes into one packet anyway."""
INLINE_BYTES = 32 * 1024
"""Half a millisecond of work; a thread costs a tenth of that, and a switch back."""
AT_ONCE = 2
"""A core's worth of compressing at most, and as many copies of large answers."""
_LEVEL = 5
"""Three quarters of the time of zlib's own level 6, for 2 % more bytes."""
_JSON = (b"application/json", b"application/problem+json")

VARY = (b"vary", b"accept-encoding")
"""Of what is sent as gzip or as it is."""


class Compressor:
    """Of one process."""

    def __init__(self) -> None:
        self._in_hand = 0
        self._known: dict[bytes, bytes] = {}
        self._known_sizes: set[int] = set()

    def remember(self, body: bytes) -> None:
        """Compress an answer that is sent again and again, once."""
        self._known[body] = _compressed(body)
        self._known_sizes.add(len(body))

    async def of(self, body: bytes, accepted: bytes | None) -> bytes | None:
        """``body`` as gzip; None where it goes out as it is."""
        if not prefers_gzip(accepted):
            return None
        if len(body) in self._known_sizes and (known := self._known.get(body)) is not None:
            return known
        if len(body) <= INLINE_BYTES:
            return _compressed(body)
        if self._in_hand >= AT_ONCE:
            return None
        self._in_hand += 1
        try:
            return await asyncio.to_thread(_compressed, body)
        finally:
            self._in_hand -= 1


def is_large(fields: Mapping[bytes, bytes]) -> bool:
    """Whether an answer with these header fields is one to be compressed."""
    length = fields.get(b"content-length", b"")
    return (
        len(length) > 3
        and int(length) > LEAST_BYTES
        and fields.get(b"content-type", b"").startswith(_JSON)
        and b"content-encoding" not in fields
    )


def _compressed(body: bytes) -> bytes:
    made = zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return made.compress(body) + made.flush()
