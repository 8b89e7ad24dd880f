"""The Compose files as they are, brought up on an engine: what they are told, and what they hold.

A copy of ``deploy/`` in a folder of its own, so that secrets of a checkout stay alone, and a
project of its own. The copy is as strict as a clone under the umask 077, and somebody else's. Each
container can be killed, and comes back by Compose alone.
"""

import contextlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest
from docker.models.containers import Container

from trigger_local import ports

from .packages import ROOT, compose, run
from .running import Engine

SERVICES = ("api", "scheduler", "executor", "deliver", "retention")

HAS_PROCESS_S = 10.0
"""Within which a container that is to run has a process."""
POLL_S = 0.1

CLONER = 23456
"""Who made the clone: no user of this machine, nor of any image."""


@dataclass
class Deployment:
    """One Compose file's platform."""

    engine: Engine
    folder: Path
    """The copy of ``deploy/compose``."""
    file: str
    project: str
    gateways: Sequence[int]
    """The published ports of the gateways."""
    brokers: Sequence[int]
    """The published ports of the brokers."""
    prometheus: int
    """The published port of Prometheus, where it runs."""
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """All that the files are told."""
        first, last = self.gateways[0], self.gateways[-1]
        gateways = str(first) if first == last else f"{first}-{last}"
        return {
            "COMPOSE_PROJECT_NAME": self.project,
            "ETP_IMAGE": self.engine.platform_image,
            "ETP_PORT": gateways,
            "ETP_PORTS": gateways,
            "ETP_PROMETHEUS_PORT": str(self.prometheus),
            **{
                f"ETP_NATS_PORT{suffix}": str(port)
                for suffix, port in zip(("", "_2", "_3"), self.brokers, strict=False)
            },
        }

    def compose(self, *arguments: str) -> str:
        """Run Compose on the file; what it said."""
        return run(
            (str(compose()), "--file", str(self.folder / self.file), "--progress", "plain"),
            arguments,
            env={**os.environ, **self.engine.environment, **self.environment},
        )

    def up(self, *arguments: str) -> float:
        """Bring everything up; seconds until all of it was healthy."""
        began = time.monotonic()
        self.compose("up", "--detach", "--wait", "--wait-timeout", "300", *arguments)
        return time.monotonic() - began

    def stop(self) -> Mapping[str, int]:
        """Stop everything as an operator does; the exit code of each container."""
        self.compose("stop")
        return {c.name: c.attrs["State"]["ExitCode"] for c in self.containers(all_of_them=True)}

    def down(self) -> None:
        self.compose("--profile", "observe", "down", "--volumes", "--timeout", "5")

    def containers(self, *, all_of_them: bool = False) -> list[Container]:
        """Those that run, by name; or also those that ended."""
        label = f"com.docker.compose.project={self.project}"
        found = self.engine.client.containers.list(all=all_of_them, filters={"label": label})
        return sorted(found, key=lambda container: str(container.name))

    def of(self, service: str) -> list[Container]:
        """The containers of one service."""
        label = "com.docker.compose.service"
        return [one for one in self.containers() if one.labels[label] == service]

    def secret(self, name: str) -> str:
        """One of the files that the first start made."""
        return (self.folder / "secrets" / name).read_text()

    @staticmethod
    def kill(container: Container) -> None:
        """SIGKILL its first process, as if the machine had run out of memory.

        Not by the engine, which would take it for the operator's wish and leave it down. That
        needs root, and an engine whose processes are this machine's: without them the test is
        skipped, and in CI it fails.
        """
        try:
            os.kill(_first_process(container), signal.SIGKILL)
        except PermissionError:
            _cannot("only root can kill a container's process")

    @staticmethod
    def is_back(container: Container, since: str) -> bool:
        """Whether it was started again after ``since``, and is healthy."""
        container.reload()
        state = container.attrs["State"]
        return bool(
            state["StartedAt"] != since
            and state["Running"]
            and state["Health"]["Status"] == "healthy"
        )

    @staticmethod
    def started_at(container: Container) -> str:
        container.reload()
        return str(container.attrs["State"]["StartedAt"])

    def logs(self) -> str:
        """The end of what each container said."""
        return "\n".join(
            f"--- {one.name}: {json.dumps(one.attrs['State'])}\n"
            f"{one.logs(tail=30).decode(errors='replace')}"
            for one in self.containers(all_of_them=True)
        )


@contextlib.contextmanager
def deployed(engine: Engine, file: str, *, gateways: int, brokers: int) -> Iterator[Deployment]:
    """The platform of one file, up and healthy; gone afterwards, with all that it stored."""
    made = Path(tempfile.mkdtemp(prefix="etp-deploy-", dir="/var/tmp"))
    deploy = made / "deploy"
    ignored = shutil.ignore_patterns("__pycache__", "kept.json")
    shutil.copytree(ROOT / "deploy", deploy, ignore=ignored)
    _narrow(deploy)
    first = ports.choose_free(set())
    deployment = Deployment(
        engine=engine,
        folder=deploy / "compose",
        file=file,
        project=f"etp-{os.getpid()}-{first}",
        gateways=_neighbours(gateways),
        brokers=[ports.choose_free({first}) for _ in range(brokers)],
        prometheus=ports.choose_free({first}),
    )
    try:
        try:
            deployment.timings["up"] = deployment.up()
        except AssertionError as error:
            error.add_note(deployment.logs())
            raise
        yield deployment
    finally:
        deployment.down()
        shutil.rmtree(made, ignore_errors=True)


def _narrow(folder: Path) -> None:
    """No user of a container owns any of it, and nobody but its owner may read it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)
        if os.geteuid() == 0:
            os.chown(path, CLONER, CLONER)


def _first_process(container: Container) -> int:
    """The number of its first process here: above 0, and of no process but its own."""
    until = time.monotonic() + HAS_PROCESS_S
    while True:
        container.reload()
        # 0 while it does not run: to a signal that would be the test's own group.
        pid = int(container.attrs["State"]["Pid"])
        if pid > 0 and _is_of(container, pid):
            return pid
        if time.monotonic() >= until:
            assert pid > 0, f"{container.name} does not run: {container.attrs['State']}"
            _cannot("the engine's processes are not this machine's: a local engine is needed")
        time.sleep(POLL_S)


def _is_of(container: Container, pid: int) -> bool:
    """Whether that process of this machine is in the container's control group."""
    try:
        return str(container.id) in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _neighbours(count: int) -> list[int]:
    """Free ports beside each other: Compose gives a range of them to the replicas of a service."""
    taken: set[int] = set()
    while True:
        first = ports.choose_free(taken)
        wanted = [first + number for number in range(count)]
        if all(ports.is_free(port) for port in wanted):
            return wanted
        taken.add(first)
