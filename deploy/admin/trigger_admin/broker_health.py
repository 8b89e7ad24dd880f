"""Whether a broker answers and stores: for a container's health check, and for the supervisor.

nats-server keeps a stream's write error, of a full disk for example: it acknowledges nothing on
that stream until it is started anew, even once there is space. It says so in its log (read by the
supervisor of ``etp up``) and at its monitoring endpoint (asked here). ``/healthz`` with
``js-enabled-only`` or ``js-server-only`` is 200 all the while, and so are a stream's info and the
refusal of a message by its sequence: only the look at every stream tells. Changes nothing.
"""

import asyncio
import json
import re
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from .errors import AdminError

TIMEOUT = 3.0
"""Seconds that the broker gets to answer; it looks through its streams meanwhile."""

PORT = 8222
"""The usual one, and that of nats-server's official image."""

MAX_ANSWER = 1024 * 1024

LOGGED = re.compile(
    r"^\[\d+\] \S+ \S+ \[ERR\] (?:Filestore \[[^\]]+\] Critical write error"
    r"|JetStream (?:stream|consumer) '[^']+' critical write error)"
)
"""A line of nats-server's log that says so. Names that clients choose are quoted in its lines, and
can forge none."""

_WRITE_ERROR = re.compile(r"^JetStream (?:stream|consumer) '[^']+' (?:critical )?write error")
_UNREADABLE = re.compile(r"^JetStream (?:stream|consumer) '[^']+' could not be recovered")
_PASSING = re.compile(
    r"is not current|has high message lag|not current with the meta leader"
    r"|has not established contact with a meta leader"
)
"""Of a node that starts or catches up with others: a restart would only begin it again."""


async def check(monitor_url: str, within: float = TIMEOUT) -> str:
    """A sentence about a broker that stores. Raises ``AdminError`` with one about any other."""
    try:
        async with asyncio.timeout(within):
            body = await _ask(monitor_url, "/healthz?details=true")
    except TimeoutError:
        msg = f"The broker did not answer at {monitor_url} within {within:g} s."
        raise AdminError(msg) from None
    except (OSError, UnicodeError) as error:
        raise AdminError(f"The broker does not answer at {monitor_url}: {error}") from None
    trouble, passing = judge(body)
    if trouble is not None:
        raise AdminError(trouble)
    return f"The broker answers, and stores once this is over: {passing}" if passing else _WELL


_WELL = "The broker answers and stores."


def judge(body: bytes) -> tuple[str | None, str | None]:
    """By an answer of ``/healthz``: what is wrong, and what will pass by itself."""
    errors = list(_errors(body))
    for error in errors:
        if _WRITE_ERROR.match(error):
            return (
                "The broker answers and cannot store, and keeps this error until it is started "
                f"anew on a disk with space (a restart while it is full mends nothing): {error}"
            ), None
    for error in errors:
        if _UNREADABLE.match(error):
            return f"The broker answers, and lacks a stream that it cannot read: {error}", None
    for error in errors:
        if not _PASSING.search(error):
            return f"The broker answers, and is not well: {error}", None
    return None, next(iter(errors), None)


def _errors(body: bytes) -> Iterator[str]:
    """The reasons in an answer of ``/healthz``, with or without details."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "status" not in answer:
        yield "its answer is none of nats-server's monitoring endpoint"
        return
    detailed = answer.get("errors")
    reasons = [
        str(one["error"])
        for one in (answer, *(detailed if isinstance(detailed, list) else ()))
        if isinstance(one, dict) and one.get("error")
    ]
    yield from reasons
    if not reasons and answer["status"] != "ok":
        yield f"its status is {answer['status']}"


async def _ask(monitor_url: str, path: str) -> bytes:
    """The body of an answer, whatever its status. A dozen lines instead of an HTTP client."""
    host, port, secure = _address(monitor_url)
    reader, writer = await asyncio.open_connection(host, port, ssl=secure)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        # It closes after its answer. What is longer than any answer of its is none.
        answer = bytearray()
        while len(answer) < MAX_ANSWER and (chunk := await reader.read(65536)):
            answer += chunk
    finally:
        writer.close()
    return bytes(answer).partition(b"\r\n\r\n")[2]


def _address(monitor_url: str) -> tuple[str, int, ssl.SSLContext | None]:
    try:
        parts = urlsplit(monitor_url)
        host, port = parts.hostname, parts.port or PORT
    except ValueError:
        host, port = None, PORT
    if host is None or parts.scheme not in {"http", "https"}:
        msg = f"{monitor_url} is no address of a monitoring endpoint, such as http://HOST:{PORT}."
        raise AdminError(msg)
    return host, port, ssl.create_default_context() if parts.scheme == "https" else None
