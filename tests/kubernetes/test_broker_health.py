"""The broker's liveness: deploy/compose/broker-health, as its pod asks by it.

What it does about a write error is shown where it may end a process 1: tests/engine.
"""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kubernetes.manifests import OVERLAYS, ROOT, Workload, manifests, of_kind, workloads
from tests.support.eventually import eventually
from tests.support.processes import Embedded
from trigger_local import child, nats, ports

SCRIPT = ROOT / "deploy" / "compose" / "broker-health"

NC = """#!{python}
import socket, sys
with socket.create_connection((sys.argv[3], int(sys.argv[4])), timeout=float(sys.argv[2])) as one:
    one.sendall(sys.stdin.buffer.read())
    while said := one.recv(65536):
        sys.stdout.buffer.write(said)
"""
"""What the image has of busybox, as far as the script asks."""


def broker(overlay: str) -> Workload:
    [one] = [w for w in workloads(manifests(overlay)) if w.name == "etp-nats"]
    return one


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_its_liveness_is_the_script_that_compose_has(overlay: str) -> None:
    one = broker(overlay)
    _, path, mode = one.container["livenessProbe"]["exec"]["command"]
    folder, _, name = path.rpartition("/")
    [mount] = [m for m in one.container["volumeMounts"] if m["mountPath"] == folder]
    [volume] = [v for v in one.pod["volumes"] if v["name"] == mount["name"]]
    held = of_kind(manifests(overlay), "ConfigMap")[volume["configMap"]["name"]]["data"]
    assert held[name] == SCRIPT.read_text(encoding="utf-8")
    assert mode == "lives"


class Node(Embedded):
    """A nats-server with its monitoring endpoint."""

    def __init__(self, folder: Path, **more: object) -> None:
        port = ports.choose_free(set())
        self.monitor = ports.choose_free({port})
        config = folder / "nats.conf"
        store = {"store_dir": str(folder / "store")}
        told = {"listen": f"127.0.0.1:{port}", "http": self.monitor, "jetstream": store, **more}
        config.write_text(json.dumps(told))
        program = child.Program("nats", (str(nats.binary()), "--config", str(config)))
        super().__init__(port, folder / "nats.log", lambda: program)


class Asked:
    """The script, where there is an ``nc``, about a node."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._script = SCRIPT.read_text(encoding="utf-8").replace("8222", str(port))
        # Nothing here has a write error; if one had, this machine's process 1 is not to end of it.
        self._script = self._script.replace("kill -TERM 1", "exit 99")
        program = folder / "nc"
        program.write_text(NC.format(python=sys.executable))
        program.chmod(0o755)

    def __call__(self, *arguments: str) -> int:
        path = f"{self._folder}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", self._script, "broker-health", *arguments],
            env={"PATH": path},
            check=False,
            capture_output=True,
        )
        return done.returncode


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Node]:
    """One of three, whose others are not there yet."""
    nobody = ports.choose_free(set())
    cluster = {"name": "etp", "port": ports.choose_free({nobody})}
    routes = [f"nats://127.0.0.1:{nobody}"]
    server = Node(tmp_path, server_name="nats-0", cluster={**cluster, "routes": routes})
    await server.start(lambda: nats.answers("127.0.0.1", server.port))
    yield server
    await server.dispose()


async def test_a_node_without_its_others_lives_and_is_not_healthy(
    alone: Node, tmp_path: Path
) -> None:
    ask = Asked(tmp_path, alone.monitor)
    assert ask() == 1
    assert ask("lives") == 0


async def test_a_server_alone_is_healthy_and_lives_until_it_is_away(tmp_path: Path) -> None:
    server = Node(tmp_path)
    ask = Asked(tmp_path, server.monitor)
    assert (ask(), ask("lives")) == (1, 1)
    await server.start(lambda: nats.answers("127.0.0.1", server.port))
    try:
        await eventually(lambda: ask() == 0, within=10, what="it is healthy")
        assert ask("lives") == 0
    finally:
        await server.dispose()
    assert (ask(), ask("lives")) == (1, 1)
