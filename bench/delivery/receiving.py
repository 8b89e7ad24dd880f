"""A receiver of webhooks on loopback that answers 200 at once. A worker."""

import asyncio

from bench.support.workers import Link

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(_END)) >= 0:
            head = self._received[:end].lower()
            length = int(head.partition(_LENGTH)[2].partition(b"\r\n")[0])
            whole = end + len(_END) + length
            if len(self._received) < whole:
                return
            self._received = self._received[whole:]
            self._transport.write(ANSWER)  # type: ignore[attr-defined]


async def receive(link: Link) -> None:
    """Says on which port it listens."""
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
    link.ready(server.sockets[0].getsockname()[1])
    await link.told()
    server.close()
