"""Callers that fire and never try again: what they were answered, and what the log has of it."""

import contextlib
import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.support.replay.service import Endpoints

CALLERS = 4

PAUSE_S = 0.02
"""Between two requests of a caller: two cores are shared with eight pods and their servers."""


class Client:
    """Requests to the api, each by a connection of its own to the pod whose turn it is."""

    def __init__(self, endpoints: Endpoints, api_key: str) -> None:
        self._endpoints = endpoints
        self._api_key = api_key

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Status and body. Raises OSError or HTTPException where the request was not answered."""
        pod = self._endpoints.pick()
        port = pod.workload.ports["http"]
        connection = http.client.HTTPConnection(pod.address, port, timeout=10)
        try:
            connection.request(
                method,
                path,
                None if body is None else json.dumps(body),
                {
                    "X-API-KEY": self._api_key,
                    "Content-Type": "application/json",
                    **{name.replace("_", "-"): value for name, value in headers.items()},
                },
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class Load:
    """What several callers were answered."""

    def __init__(self, client: Client, trigger: str) -> None:
        self._client = client
        self._trigger = trigger
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        """By status, or by what went wrong."""
        self.events: list[str] = []
        """Ids of accepted fires."""

    def _call(self, caller: int) -> None:
        number = 0
        while not self._ended.wait(PAUSE_S):
            number += 1
            key = f"caller-{caller}-{number}"
            path = f"/triggers/{self._trigger}/fire"
            try:
                status, body = self._client.ask("POST", path, {}, Idempotency_Key=key)
                answered, accepted = str(status), status == 202
            except (OSError, http.client.HTTPException) as error:
                answered, accepted = type(error).__name__, False
            with self._lock:
                self.answers[answered] += 1
                if accepted:
                    self.events.append(json.loads(body)["event_id"])

    @contextlib.contextmanager
    def going_on(self) -> Iterator["Load"]:
        callers = [threading.Thread(target=self._call, args=(number,)) for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        try:
            yield self
        finally:
            self._ended.set()
            for caller in callers:
                caller.join()
