"""Compose's health check of the broker, in a container of its image whose disk fills up."""

import contextlib
import os
from collections.abc import Iterator

import nats
import nats.errors
import pytest
from docker.errors import ImageNotFound
from docker.models.containers import Container
from docker.types import Healthcheck, Mount
from nats.aio.client import Client

from tests.support.engine.deployed import Deployment
from tests.support.engine.images import NATS
from tests.support.engine.packages import ROOT
from tests.support.engine.running import Engine
from tests.support.eventually import eventually
from trigger_local import ports

SCRIPT = ROOT / "deploy" / "compose" / "broker-health"
IN_CONTAINER = "/usr/local/bin/broker-health"

BACK_S = 60.0

CONFIG = (
    'port: 4222, http: 8222, jetstream: {store_dir: "/data", sync_interval: always, '
    "max_memory_store: 1MB, max_file_store: 1GB}"
)
"""The broker is to believe that there is space: a quota is another error, and passes by itself."""

FILE = "/tmp/nats.conf"

SECOND = 1_000_000_000


@pytest.fixture
def holder(engine: Engine) -> Iterator[tuple[Container, str]]:
    """A disk of 12 MB that somebody keeps while the broker is started anew; and its volume."""
    name = f"etp-small-{os.getpid()}"
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=12m"}
    try:
        engine.client.images.get(NATS)
    except ImageNotFound:
        engine.client.images.pull(NATS)
    volume = engine.client.volumes.create(name, driver="local", driver_opts=options)
    # It waits for what nobody writes.
    container = engine.client.containers.create(
        NATS,
        entrypoint=["cat"],
        stdin_open=True,
        network_mode="none",
        mounts=[Mount("/data", name, type="volume")],
    )
    try:
        container.start()
        yield container, name
    finally:
        container.remove(force=True)
        volume.remove(force=True)


@pytest.fixture
def broker(engine: Engine, holder: tuple[Container, str]) -> Iterator[tuple[Container, int]]:
    """As the Compose file has it, but for the disk and the looks, which come each second."""
    port = ports.choose_free(set())
    container = engine.client.containers.create(
        NATS,
        ["sh", "-c", f"printf '%s' '{CONFIG}' >{FILE}; exec nats-server --config {FILE}"],
        ports={"4222/tcp": ("127.0.0.1", port)},
        mounts=[
            Mount("/data", holder[1], type="volume"),
            Mount(IN_CONTAINER, str(SCRIPT), type="bind", read_only=True),
        ],
        healthcheck=Healthcheck(
            test=["CMD", "sh", IN_CONTAINER], interval=SECOND, timeout=5 * SECOND, retries=3
        ),
        restart_policy={"Name": "always"},
        read_only=True,
        tmpfs={"/tmp": ""},
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
    )
    try:
        container.start()
        yield container, port
    finally:
        container.remove(force=True)


@contextlib.asynccontextmanager
async def connected(port: int):
    client: Client = await nats.connect(f"nats://127.0.0.1:{port}", allow_reconnect=False)
    try:
        yield client
    finally:
        await client.close()


async def stored(client: Client, size: int) -> bool:
    try:
        await client.jetstream().publish("kept", bytes(size), timeout=1)
    except nats.errors.TimeoutError:
        return False
    return True


async def test_a_broker_that_keeps_a_write_error_is_started_anew_and_heals_once_there_is_space(
    holder: tuple[Container, str], broker: tuple[Container, int]
) -> None:
    container, port = broker
    disk, _ = holder
    await eventually(lambda: is_healthy(container), within=BACK_S, what="the broker is healthy")
    async with connected(port) as client:
        await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
        assert await stored(client, 1)
        assert disk.exec_run(["sh", "-c", "cat /dev/zero > /data/fill"]).exit_code != 0
        began = Deployment.started_at(container)
        assert not await stored(client, 200_000)

    def is_another() -> bool:
        return Deployment.started_at(container) != began

    await eventually(is_another, within=BACK_S, poll=0.2, what="the broker is started anew")
    # By the signal that the script sends: it is nothing that the broker ends of.
    assert b"Initiating Shutdown" in container.logs()

    assert disk.exec_run(["busybox", "rm", "/data/fill"]).exit_code == 0
    await eventually(lambda: is_healthy(container), within=BACK_S, what="the broker is healthy")

    async def heals() -> bytes | None:
        async with connected(port) as client:
            assert await stored(client, 200_000)
            return (await client.jetstream().get_msg("KEPT", 1)).data

    assert await eventually(heals, within=BACK_S, poll=0.5, what="it stores") == bytes(1)


def is_healthy(container: Container) -> bool:
    container.reload()
    return bool(container.attrs["State"]["Health"]["Status"] == "healthy")
