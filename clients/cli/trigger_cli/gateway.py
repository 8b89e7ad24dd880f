"""A gateway as the CLI talks to it: the standard library's HTTP, one connection kept open.

An HTTP client would be one more package for two dozen lines. Knows requests and answers, and
nothing of what they mean.
"""

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from trigger_runtime.process.command_line import ExplainedError

TIMEOUT_S = 120.0
"""For one answer: a large request waits up to 30 s for its results, and others before it."""


class NoGatewayError(ExplainedError):
    def __init__(self, url: str) -> None:
        super().__init__(f"{url!r} is not the address of a gateway, such as http://127.0.0.1:8000")


class Away(Exception):  # noqa: N818 - a state of the gateway's
    """No answer came: whether the request was received is unknown."""


class GatewayClient:
    """One gateway, with a key for it. Raises NoGatewayError."""

    def __init__(self, url: str, api_key: str) -> None:
        parts = urlsplit(url)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        try:
            kind, port = kinds[parts.scheme], parts.port
        except (KeyError, ValueError):
            raise NoGatewayError(url) from None
        if not parts.hostname:
            raise NoGatewayError(url)
        self._connection = kind(parts.hostname, port, timeout=TIMEOUT_S)
        self._path = parts.path.rstrip("/")
        self._api_key = api_key

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Status and JSON of the answer, an empty object where it has none; raises ``Away``."""
        try:
            self._connection.request(
                "POST", self._path + path, body, {"X-API-KEY": self._api_key, **headers}
            )
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            # Closed, it connects anew for the next request.
            self._connection.close()
            raise Away(str(error) or type(error).__name__) from error
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, {}

    def close(self) -> None:
        self._connection.close()
