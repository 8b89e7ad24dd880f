"""nats-py's TCP connection, mended: TLS that fails ends it."""

import ssl
from urllib.parse import ParseResult

from nats.aio.transport import TcpTransport


class EndingTransport(TcpTransport):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    async def connect_tls(
        self,
        uri: str | ParseResult,
        ssl_context: ssl.SSLContext,
        buffer_size: int,
        connect_timeout: int,
    ) -> None:
        """As nats-py's. A connection that cannot be encrypted is no connection any more.

        Its stream is set aside for the encrypted one and never hears that it has ended, and nats-py
        waits for that before it tries again: once for ever, for a certificate that has expired.
        """
        try:
            await super().connect_tls(uri, ssl_context, buffer_size, connect_timeout)
        except BaseException:
            if self._io_writer is not None:
                self._io_writer.transport.abort()
            self._io_reader = self._io_writer = None
            raise
