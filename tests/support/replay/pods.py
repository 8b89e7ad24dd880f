"""A pod and its kubelet: probes asked as its YAML says, and an end with hook and grace period."""

import http.client
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from docker.models.containers import Container

from tests.kubernetes.manifests import Workload

POLL_S = 0.1

KILLED = 137
"""A container's exit code after SIGKILL: its grace period was over."""


@dataclass(frozen=True, slots=True)
class End:
    """How a pod ended."""

    code: int
    seconds: float
    """From the moment it was told, its hook included."""


def until(condition: Callable[[], bool], within: float, what: Callable[[], str]) -> None:
    """Poll; raises AssertionError with ``what`` it was about."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(POLL_S)


class Pod:
    """One container, and what its kubelet does with it."""

    def __init__(self, name: str, workload: Workload, container: Container) -> None:
        self.name = name
        self.workload = workload
        self.container = container

        self.address = ""
        """One of its addresses: the test reaches a pod by any of them, whatever policies say."""

    def start(self) -> None:
        self.container.start()
        self.container.reload()
        networks = self.container.attrs["NetworkSettings"]["Networks"]
        self.address = next(network["IPAddress"] for network in networks.values())

    def await_started(self) -> float:
        """Until the startup probe succeeds, as long as the YAML allows; in seconds."""
        begun = time.monotonic()
        probe = self.workload.container["startupProbe"]
        within = probe["periodSeconds"] * probe["failureThreshold"]
        until(lambda: self.succeeds("startupProbe"), within, self.said)
        return time.monotonic() - begun

    def succeeds(self, probe: str) -> bool:
        """Ask one probe once."""
        asked = self.workload.container[probe]
        timeout = asked.get("timeoutSeconds", 1)
        if "exec" in asked:
            return self.container.exec_run(asked["exec"]["command"]).exit_code == 0
        if "tcpSocket" in asked:
            return self._connects(self._port(asked["tcpSocket"]), timeout)
        try:
            status, _ = self.get(self._port(asked["httpGet"]), asked["httpGet"]["path"], timeout)
        except OSError:
            return False
        return 200 <= status < 400

    def get(self, port: int, path: str, timeout: float = 5) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.address, port, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def end(self) -> End:
        """The hook, the signal, and SIGKILL once the grace period is over."""
        begun = time.monotonic()
        grace = self.workload.pod["terminationGracePeriodSeconds"]
        match self.workload.container.get("lifecycle", {}).get("preStop"):
            case {"sleep": {"seconds": seconds}}:
                time.sleep(seconds)
            case {"exec": {"command": command}}:
                self.container.exec_run(command)
        self.container.stop(timeout=int(grace - (time.monotonic() - begun)))
        code = self.container.wait()["StatusCode"]
        return End(code, time.monotonic() - begun)

    def said(self) -> str:
        """For a failure: its last answers about itself, and its log."""
        self.container.reload()
        log = self.container.logs(tail=40).decode(errors="replace")
        return f"{self.name} ({self.container.status}): {self._about_itself()}\n{log}"

    def _about_itself(self) -> str:
        asked = self.workload.container.get("startupProbe", {}).get("httpGet")
        if asked is None:
            return ""
        try:
            return str(self.get(self._port(asked), asked["path"]))
        except OSError as error:
            return repr(error)

    def _connects(self, port: int, timeout: float) -> bool:
        try:
            with socket.create_connection((self.address, port), timeout=timeout):
                return True
        except OSError:
            return False

    def _port(self, asked: dict[str, Any]) -> int:
        return self.workload.ports[asked["port"]]
