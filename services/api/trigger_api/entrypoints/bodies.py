"""Request bodies, read with a limit on their bytes as they stream in and on their time.

Bytes are counted as they were sent and as they are decoded; neither may be more than the limit.
Raises ``Refused`` (413, 408, 415, 400), or ``Disconnected`` when nobody is left to answer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from starlette.types import Receive

from trigger_api.domain.decoding import Decoder, decoder_of
from trigger_contracts import strict_json
from trigger_contracts.bulk_body import MAX_BULK_BYTES
from trigger_contracts.errors import Code, refused
from trigger_contracts.topology import MAX_BODY_BYTES

from .content_types import Split, check_json, splitting
from .holding import BodyMemory, BodyShare, given_up

Headers = Mapping[bytes, bytes]

BULK_TIMEOUTS = 6
"""Times as long as an ordinary body a large one may take: with 10 s, 32 MiB at 5 Mbit/s."""


class Disconnected(Exception):  # noqa: N818  # a state of the client's, not an error of ours
    """The client went away before it had sent its body."""


class Bodies:
    """Reads bodies under one time limit, into one memory. Made by ``bootstrap``."""

    def __init__(self, timeout_s: float, holding: BodyMemory | None = None) -> None:
        self._timeout_s = timeout_s
        self._holding = holding or BodyMemory()

    async def json(self, headers: Headers, receive: Receive) -> Any:
        """The JSON value of a body that must be there."""
        check_json(headers.get(b"content-type"))
        return strict_json.parse(await self._read(headers, receive))

    async def optional_json(self, headers: Headers, receive: Receive) -> Any:
        """As ``json``; None for a body that is empty. (A null says as little.)"""
        check_json(headers.get(b"content-type"))
        body = await self._read(headers, receive)
        return strict_json.parse(body) if body.strip() else None

    @contextlib.asynccontextmanager
    async def many(self, headers: Headers, receive: Receive) -> AsyncIterator[tuple[Split, bytes]]:
        """A body of many definitions, and how to find them in it; in memory until left."""
        split = splitting(headers.get(b"content-type"))
        with self._holding.body() as held:
            yield split, await self._read(headers, receive, MAX_BULK_BYTES, BULK_TIMEOUTS, held)

    async def _read(
        self,
        headers: Headers,
        receive: Receive,
        limit: int = MAX_BODY_BYTES,
        timeouts: int = 1,
        held: BodyShare | None = None,
    ) -> bytes:
        memory = held
        decoder = decoder_of(headers.get(b"content-encoding"))
        declared = headers.get(b"content-length", b"")
        # Only a hint (a chunked body has none), yet it spares reading what will be refused.
        if declared.isdigit() and (len(declared) > 18 or int(declared) > limit):
            raise _too_large(limit)
        try:
            async with asyncio.timeout(timeouts * self._timeout_s) as time_left:
                message = await receive()
                if (
                    decoder is None
                    and message["type"] == "http.request"
                    and not message.get("more_body")
                ):
                    return _within(message.get("body", b""), limit)
                with contextlib.ExitStack() as stack:
                    memory = held or stack.enter_context(self._holding.body())
                    memory.on_lost = partial(_expire, time_left)
                    reading = _Reading(self._holding, memory, decoder, limit)
                    return await reading.rest(message, receive)
        except TimeoutError:
            if memory is not None and memory.is_lost:
                raise given_up() from None
            detail = f"the body did not arrive within {timeouts * self._timeout_s:g} s"
            raise refused(Code.BODY_TOO_SLOW, detail) from None


class _Reading:
    """One body that comes in parts, or is encoded."""

    def __init__(
        self, holding: BodyMemory, held: BodyShare, decoder: Decoder | None, limit: int
    ) -> None:
        self._holding = holding
        self._held = held
        self._decoder = decoder
        self._limit = limit
        self._body = bytearray()

    async def rest(self, message: Any, receive: Receive) -> bytes:
        sent = 0
        while True:
            if message["type"] == "http.disconnect":
                raise Disconnected
            part: bytes = message.get("body", b"")
            sent += len(part)
            if sent > self._limit:
                raise _too_large(self._limit)
            await self._take(part)
            if not message.get("more_body"):
                break
            message = await receive()
        if self._decoder is not None:
            self._decoder.finish()
        self._held.is_complete()
        return bytes(self._body)

    async def _take(self, part: bytes) -> None:
        if self._decoder is None:
            await self._keep(part)
            return
        for decoded in self._decoder.feed(part):
            await self._keep(decoded)
            await asyncio.sleep(0)  # others have their turn

    async def _keep(self, part: bytes) -> None:
        if len(self._body) + len(part) > self._limit:
            raise _too_large(self._limit)
        await self._holding.add(self._held, len(part))
        self._body += part


def _expire(time_left: asyncio.Timeout) -> None:
    if not time_left.expired():
        time_left.reschedule(asyncio.get_running_loop().time())


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> Exception:
    return refused(Code.BODY_TOO_LARGE, f"at most {limit} bytes are accepted")
