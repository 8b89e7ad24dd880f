"""Request bodies, read with a limit on their bytes as they stream in and on their time.

Raises ``Refused`` (413, 408, 415, 400), or ``Disconnected`` when nobody is left to answer.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.types import Receive

from trigger_contracts import strict_json
from trigger_contracts.errors import Code, refused
from trigger_contracts.topology import MAX_BODY_BYTES

Headers = Mapping[bytes, bytes]


class Disconnected(Exception):  # noqa: N818  # a state of the client's, not an error of ours
    """The client went away before it had sent its body."""


class Bodies:
    """Reads bodies under one time limit. Made by ``bootstrap``."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    async def json(self, headers: Headers, receive: Receive) -> Any:
        """The JSON value of a body that must be there."""
        return strict_json.parse(await self._read(headers, receive))

    async def optional_json(self, headers: Headers, receive: Receive) -> Any:
        """As ``json``; None for a body that is empty. (A null says as little.)"""
        body = await self._read(headers, receive)
        return strict_json.parse(body) if body.strip() else None

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        _check_content_type(headers.get(b"content-type"))
        declared = headers.get(b"content-length", b"")
        # Only a hint (a chunked body has none), yet it spares reading what will be refused.
        if declared.isdigit() and (len(declared) > 18 or int(declared) > MAX_BODY_BYTES):
            raise _too_large()
        try:
            async with asyncio.timeout(self._timeout_s):
                message = await receive()
                if message["type"] == "http.request" and not message.get("more_body"):
                    body: bytes = message.get("body", b"")
                    if len(body) > MAX_BODY_BYTES:
                        raise _too_large()
                    return body
                return await _read_rest(message, receive)
        except TimeoutError:
            detail = f"the body did not arrive within {self._timeout_s:g} s"
            raise refused(Code.BODY_TOO_SLOW, detail) from None


async def _read_rest(message: Any, receive: Receive) -> bytes:
    body = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
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


def _too_large() -> Exception:
    return refused(Code.BODY_TOO_LARGE, f"at most {MAX_BODY_BYTES} bytes are accepted")
