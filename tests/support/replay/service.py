"""A Service for the test's own requests: the ready pods, taken in turn.

A pod that goes is sent requests for a while longer, as by balancers that have not heard of it yet;
so the pause before its end (``preStop``) is needed here as it is in a cluster.
"""

import itertools
import threading
import time
from collections.abc import Iterable

from tests.support.replay.pods import Pod

PROPAGATION_S = 2.0
"""How long balancers may take to hear that a pod goes."""


class NoEndpointError(ConnectionError):
    """No pod is ready: a request has nowhere to go."""


class Endpoints:
    """Asks each pod's readiness probe by its period, and leaves out whoever failed too often."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: dict[Pod, int] = {}
        self._going: dict[Pod, float] = {}
        self._turns = itertools.count()
        self._ended = threading.Event()
        self._kubelet: threading.Thread | None = None

    def watch(self, pods: Iterable[Pod]) -> None:
        self._failed = dict.fromkeys(pods, 0)
        self._kubelet = threading.Thread(target=self._ask, name="kubelet")
        self._kubelet.start()

    def join(self, pod: Pod) -> None:
        with self._lock:
            self._failed[pod] = 0

    def leave(self, pod: Pod) -> None:
        with self._lock:
            self._going[pod] = time.monotonic() + PROPAGATION_S

    def pick(self) -> Pod:
        """The next ready pod. Raises NoEndpointError while there is none."""
        with self._lock:
            now = time.monotonic()
            for pod, until in list(self._going.items()):
                if now >= until:
                    self._failed.pop(pod, None)
                    del self._going[pod]
            ready = [
                pod
                for pod, times in self._failed.items()
                if times < pod.workload.container["readinessProbe"]["failureThreshold"]
            ]
        if not ready:
            raise NoEndpointError
        return ready[next(self._turns) % len(ready)]

    def close(self) -> None:
        self._ended.set()
        if self._kubelet is not None:
            self._kubelet.join()

    def _ask(self) -> None:
        while True:
            with self._lock:
                pods = list(self._failed)
            period = min(
                (p.workload.container["readinessProbe"]["periodSeconds"] for p in pods), default=1
            )
            if self._ended.wait(period):
                return
            for pod in pods:
                is_ready = pod.succeeds("readinessProbe")
                with self._lock:
                    if pod in self._failed:
                        self._failed[pod] = 0 if is_ready else self._failed[pod] + 1
