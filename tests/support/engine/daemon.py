"""dockerd and its containerd as children of ours, in a folder that goes with them.

It changes nothing of the machine's network but its own bridges: no rule of iptables, no
forwarding, no masquerading. Its containers reach each other and the machine, and nothing else.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import requests

from trigger_local import child

from .packages import check_machine, engine_path

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
POLL_S = 0.1

DEFAULT_BRIDGE = Path("/sys/class/net/docker0")
BRIDGE = "172.31.250.1/24"
POOL = "base=172.31.240.0/21,size=27"
"""Of the networks that Compose files and tests make: 64 at a time."""


@contextlib.contextmanager
def started() -> Iterator[str]:
    """A running engine's address; every process and file of it is gone afterwards."""
    check_machine()
    env = {**os.environ, "PATH": engine_path()}
    had_bridge = DEFAULT_BRIDGE.exists()
    # From the last one to the first, each whatever became of those before it.
    with contextlib.ExitStack() as afterwards:
        # On a disk and not in memory: images and volumes take gigabytes.
        folder = Path(tempfile.mkdtemp(prefix="etp-engine-", dir="/var/tmp"))
        afterwards.callback(_remove, folder)
        address = f"unix://{folder}/docker.sock"
        with (folder / "dockerd.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *("dockerd", "--host", address, "--data-root", str(folder / "data")),
                    *("--exec-root", str(folder / "exec"), "--pidfile", str(folder / "docker.pid")),
                    *("--iptables=false", "--ip6tables=false", "--ip-forward=false"),
                    *("--ip-masq=false", "--ip", "127.0.0.1", "--bip", BRIDGE),
                    *("--default-address-pool", POOL, "--log-level", "warn"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                start_new_session=True,
                # Tests that are killed leave no engine: it stops its containers, and ends.
                preexec_fn=child._die_with_parent(signal.SIGTERM),  # noqa: PLW1509 (one system call)
            )
        if not had_bridge:
            afterwards.callback(_remove_bridge)
        afterwards.callback(_stop, process)
        afterwards.callback(_remove_containers, address)
        _wait_until_it_answers(address, process, folder / "dockerd.log")
        yield address


def answers(address: str | None) -> bool:
    """Whether an engine answers there; by default where the environment says."""
    try:
        client = docker.DockerClient(address, timeout=2) if address else docker.from_env(timeout=2)
    except docker.errors.DockerException:
        return False
    try:
        return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False
    finally:
        client.close()


def _wait_until_it_answers(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while not answers(address):
        said = log.read_text(errors="replace")[-4000:]
        assert process.poll() is None, f"dockerd ended with {process.returncode}:\n{said}"
        assert time.monotonic() < until, f"dockerd does not answer:\n{said}"
        time.sleep(POLL_S)


def _remove_containers(address: str) -> None:
    """Killed with the engine, containers would go on: each has a parent of its own."""
    if not answers(address):
        return
    with contextlib.closing(docker.DockerClient(address)) as client:
        for container in client.containers.list(all=True):
            # The engine, when it stops, ends one that is slow to go.
            with contextlib.suppress(docker.errors.APIError, requests.RequestException):
                container.remove(force=True, v=True)
        # Bridges are the machine's and not the engine's: they would stay.
        client.networks.prune()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _remove_bridge() -> None:
    """It outlives the engine, and the next one might have another address for it."""
    if (ip := shutil.which("ip")) is not None:
        command = (ip, "link", "delete", DEFAULT_BRIDGE.name)
        subprocess.run(command, check=False, capture_output=True)


def _remove(folder: Path) -> None:
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    for mount in sorted((line.split()[1] for line in mounts), reverse=True):
        if mount.startswith(f"{folder}/"):
            subprocess.run(("umount", "--lazy", mount), check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)
