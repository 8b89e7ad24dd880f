"""A request as its bytes: header lines that no client library would send, and the bare answer."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

PATIENCE_S = 30.0
"""What an answer may take, its connection's end included."""


class RawAnswer(NamedTuple):
    """``headers`` have lower-case names; of two of one name the last is here."""

    status: int
    headers: dict[str, str]
    body: bytes


async def ask(
    url: str, method: str, target: str, lines: Sequence[str] = (), body: bytes = b""
) -> RawAnswer:
    """Send the lines as they are, and read until the server has closed the connection."""
    host = urlsplit(url)
    head = [f"{method} {target} HTTP/1.1", f"Host: {host.netloc}", "Connection: close", *lines]
    if body:
        head.append(f"Content-Length: {len(body)}")
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(host.hostname, host.port)
        try:
            writer.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
            answer = await reader.read()
        finally:
            writer.close()
    found, _, rest = answer.partition(b"\r\n\r\n")
    status, *fields = found.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
    return RawAnswer(int(status.split()[1]), headers, rest)
