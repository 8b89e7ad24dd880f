"""Request bodies, read with a limit on their bytes as they stream in and on their time.

Raises ``Refused`` (413, 408, 415, 400), or ``Disconnected`` when nobody is left to answer.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from starlette.types import Receive

from trigger_api.domain import splitting
from trigger_api.domain.splitting import MAX_BULK_BYTES, Piece
from trigger_contracts import strict_json
from trigger_contracts.errors import Code, Refused, refused
from trigger_contracts.topology import MAX_BODY_BYTES

Headers = Mapping[bytes, bytes]
Split = Callable[[bytes], Iterator[Piece]]

NDJSON_TYPES = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl")
"""Nobody registered one: each is in use."""

BULK_PATIENCE = 6
"""Times as long as an ordinary body a large one may take: with 10 s, 32 MiB at 5 Mbit/s."""


class Disconnected(Exception):  # noqa: N818  # a state of the client's, not an error of ours
    """The client went away before it had sent its body."""


class Bodies:
    """Reads bodies under one time limit. Made by ``bootstrap``."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    async def json(self, headers: Headers, receive: Receive) -> Any:
        """The JSON value of a body that must be there."""
        _check_content_type(headers.get(b"content-type"))
        return strict_json.parse(await self._read(headers, receive))

    async def optional_json(self, headers: Headers, receive: Receive) -> Any:
        """As ``json``; None for a body that is empty. (A null says as little.)"""
        _check_content_type(headers.get(b"content-type"))
        body = await self._read(headers, receive)
        return strict_json.parse(body) if body.strip() else None

    async def many(self, headers: Headers, receive: Receive) -> tuple[Split, bytes]:
        """A body of many definitions, and how to find them in it."""
        split = _splitting(headers.get(b"content-type"))
        return split, await self._read(headers, receive, MAX_BULK_BYTES, BULK_PATIENCE)

    async def _read(
        self,
        headers: Headers,
        receive: Receive,
        limit: int = MAX_BODY_BYTES,
        patience: int = 1,
    ) -> bytes:
        declared = headers.get(b"content-length", b"")
        # Only a hint (a chunked body has none), yet it spares reading what will be refused.
        if declared.isdigit() and (len(declared) > 18 or int(declared) > limit):
            raise _too_large(limit)
        try:
            async with asyncio.timeout(patience * self._timeout_s):
                message = await receive()
                if message["type"] == "http.request" and not message.get("more_body"):
                    body: bytes = message.get("body", b"")
                    if len(body) > limit:
                        raise _too_large(limit)
                    return body
                return await _read_rest(message, receive, limit)
        except TimeoutError:
            detail = f"the body did not arrive within {patience * self._timeout_s:g} s"
            raise refused(Code.BODY_TOO_SLOW, detail) from None


async def _read_rest(message: Any, receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return bytes(body)
        message = await receive()


def _check_content_type(value: bytes | None) -> None:
    """JSON under any of its names, or none given: a plain ``curl -d`` is told what to add."""
    if value is None or value == b"application/json":
        return
    media_type = value.partition(b";")[0].strip().lower()
    if media_type != b"application/json" and not (
        media_type.startswith(b"application/") and media_type.endswith(b"+json")
    ):
        detail = "send the header Content-Type: application/json"
        raise refused(Code.UNSUPPORTED_MEDIA_TYPE, detail)


def _splitting(content_type: bytes | None) -> Split:
    media_type = (content_type or b"").partition(b";")[0].strip().lower()
    if media_type in NDJSON_TYPES:
        return splitting.lines
    try:
        _check_content_type(content_type)
    except Refused:
        detail = "send the header Content-Type: application/x-ndjson, or application/json"
        raise refused(Code.UNSUPPORTED_MEDIA_TYPE, detail) from None
    return splitting.elements


def _too_large(limit: int) -> Exception:
    return refused(Code.BODY_TOO_LARGE, f"at most {limit} bytes are accepted")
