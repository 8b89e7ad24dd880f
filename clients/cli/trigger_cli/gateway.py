"""A gateway as the CLI talks to it: the standard library's HTTP, one connection kept open.

An HTTP client would be one more package for two dozen lines. Knows requests and answers, and
nothing of what they mean.
"""

import http.client
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 120.0
"""For one answer: a large request waits up to 30 s for its results, and others before it."""


class Away(Exception):  # noqa: N818 - a state of the gateway's
    """No answer came: whether the request was received is unknown."""


_KINDS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
_NONE = "is not the address of a gateway"
_IN_NO_ADDRESS = re.compile(r"[^\x21-\x7e]|[\\^`{|}<>\"]")
"""What the standard library would send as it is, or refuse only once it connects."""


def address(url: str) -> tuple[type[http.client.HTTPConnection], str, int | None, str]:
    """How a gateway is reached: kind of connection, host, port and path.

    Raises ValueError, whose words follow the name of what it was given by: it quotes nothing.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{_NONE}: it has no host and port that could be") from None
    if parts.scheme not in _KINDS:
        raise ValueError(f"{_NONE}: it does not begin with http:// or https://")
    if not host or port == 0 or _IN_NO_ADDRESS.search(url.strip()):
        raise ValueError(f"{_NONE}: it has no host and port that could be")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{_NONE}: it has more than a host, a port and a path")
    return _KINDS[parts.scheme], host, port, parts.path.rstrip("/")


class GatewayClient:
    """One gateway, with a key for it. Raises ValueError for what is no address of one."""

    def __init__(self, url: str, api_key: str) -> None:
        kind, host, port, path = address(url)
        self._connection = kind(host, port, timeout=TIMEOUT_S)
        self._path = path
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
