"""Whether the process lives, and whether it can work, over plain ASGI.

``/health`` says that the process answers, with versions; ``/ready`` runs the named checks and
is 503 while one fails, which is no reason to restart us, nor to send requests elsewhere: what is
stored while PostgreSQL is away is done later. That is what ``/serving`` is for, which knows no
dependency: 503 before the process has started, and while it drains. ``/metrics`` is Prometheus';
``/asyncapi`` documents the messages, ``/asyncapi.json`` for programs. No authentication: bind
it to a private address, and let nothing here cost more the more often it is asked for: documents
are made at the start, and whoever asks whether we are ready meanwhile shares the answer.
Workers serve ``HealthApp``; the gateway calls ``Health`` itself.
"""

import asyncio
import importlib.metadata
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from faststream.specification import AsyncAPI

from trigger_contracts.errors import Code, problem
from trigger_runtime.process.errors import Noted, NotReady
from trigger_runtime.process.metrics import READY_CHECK

from . import message_page
from .exposition import Exposition
from .refusals import SECURITY_HEADERS

Check = Callable[[], Awaitable[None]]
"""Returns when all is well, raises otherwise; Noted where it works and somebody should look."""

CHECK_TIMEOUT = timedelta(seconds=1)
"""A dependency that takes longer is as good as away."""

Fact = Callable[[], Any]
"""Something to tell beside the checks, as JSON has it. Asked once they are done."""

_OK = "ok"

_ANSWERED = "GET, HEAD, OPTIONS"
"""By every address of a worker."""

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Health:
    """Named readiness checks of one process."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._checks: dict[str, tuple[Check, float]] = {}
        self._facts: dict[str, Fact] = {}
        self._is_degraded: Callable[[], bool] = _never
        self._looking: asyncio.Future[tuple[bool, dict[str, Any]]] | None = None
        # Read now: a process that has no files left still has to answer.
        self._about = {
            "status": "ok",
            "service": service,
            "version": importlib.metadata.version("event-trigger-platform"),
            "tzdata": importlib.metadata.version("tzdata"),
        }
        self.started = False
        """Set once the process serves, whatever else is away."""
        self.stopping = False
        """Set when the process drains: not ready, so that nothing new is sent here."""

    def add(self, name: str, check: Check, *, timeout: timedelta = CHECK_TIMEOUT) -> None:
        self._checks[name] = (check, timeout.total_seconds())

    def tell(self, name: str, fact: Fact) -> None:
        """Report a fact that decides nothing."""
        self._facts[name] = fact

    def degraded_by(self, is_degraded: Callable[[], bool]) -> None:
        """What makes a process that is ready say "degraded": it works, and somebody should look."""
        self._is_degraded = is_degraded

    def health(self) -> dict[str, str]:
        """The process answers; what it is."""
        return dict(self._about)

    def serving(self) -> tuple[bool, dict[str, str]]:
        """Whether a load balancer should send requests here."""
        status = "stopping" if self.stopping else "serving" if self.started else "starting"
        return status == "serving", {"status": status, "service": self._service}

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether every check passes, and each one's outcome. All run at once, for all who ask."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> tuple[bool, dict[str, Any]]:
        results = await asyncio.gather(
            *(_run(check, timeout_s) for check, timeout_s in self._checks.values())
        )
        checks = dict(zip(self._checks, (result.said for result in results), strict=True))
        ready = not self.stopping and all(result.passes for result in results)
        is_noted = any(result.said != _OK for result in results)
        for name, result in zip(self._checks, results, strict=True):
            READY_CHECK.see(float(result.passes), name)
        facts = {name: fact() for name, fact in self._facts.items()}
        report = {"service": self._service, "checks": checks, **facts}
        return ready, {"status": self._status(is_ready=ready, is_noted=is_noted), **report}

    def _status(self, *, is_ready: bool, is_noted: bool) -> str:
        if self.stopping:
            return "stopping"
        if not is_ready:
            return "unavailable"
        return "degraded" if is_noted or self._is_degraded() else "ready"


@dataclass(frozen=True, slots=True)
class _Result:
    """Of one check: whether the process can work, and what is to be said."""

    passes: bool
    said: str


async def _run(check: Check, timeout_s: float) -> _Result:
    try:
        async with asyncio.timeout(timeout_s):
            await check()
    except TimeoutError:
        return _Result(passes=False, said="timed out")
    except NotReady as reason:
        return _Result(passes=False, said=str(reason))
    except Noted as note:
        return _Result(passes=True, said=str(note))
    except Exception as error:  # noqa: BLE001 - any failure means not ready, with its kind
        # The kind only: messages may name hosts and users.
        return _Result(passes=False, said=type(error).__name__)
    return _Result(passes=True, said=_OK)


def _never() -> bool:
    return False


class HealthApp:
    """The ASGI application of a worker."""

    def __init__(self, health: Health, asyncapi: AsyncAPI | None = None) -> None:
        self._health = health
        self._metrics = Exposition()
        self._documents = {} if asyncapi is None else _documents(asyncapi)

    async def __call__(self, scope: _Scope, _receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"].rstrip("/") or "/"
        status, content_type, body = await self._answer(path, scope)
        headers = [*SECURITY_HEADERS]
        method = scope["method"]
        if status != 404 and method not in {"GET", "HEAD"}:
            headers.append((b"allow", _ANSWERED.encode()))
            status, content_type, body = (
                (204, "", b"")
                if method == "OPTIONS"
                else _refusal(Code.METHOD_NOT_ALLOWED, f"{method} is not one of {_ANSWERED}")
            )
        if status != 204:
            headers.append((b"content-type", content_type.encode()))
            headers.append((b"content-length", str(len(body)).encode()))
        if method == "HEAD":
            body = b""
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, path: str, scope: _Scope) -> tuple[int, str, bytes]:
        match path:
            case "/health":
                return _json(200, self._health.health())
            case "/ready" | "/serving":
                ready = path == "/ready"
                well, report = await self._health.ready() if ready else self._health.serving()
                return _json(200 if well else 503, report)
            case "/metrics":
                return 200, self._metrics.content_type, self._metrics.text()
            case "*":  # asked of the server as a whole, by OPTIONS alone (RFC 9110, 9.3.7)
                return (200, "", b"") if scope["method"] == "OPTIONS" else _nothing_here()
            case "/asyncapi" if _wants_json(scope):
                path = "/asyncapi.json"
        if (document := self._documents.get(path)) is not None:
            return 200, *document
        return _nothing_here()


def _documents(asyncapi: AsyncAPI) -> dict[str, tuple[str, bytes]]:
    text = asyncapi.to_specification().to_json()
    page = message_page.page(json.loads(text))
    return {
        "/asyncapi.json": ("application/json", text.encode()),
        "/asyncapi": ("text/html; charset=utf-8", page.encode()),
    }


def _nothing_here() -> tuple[int, str, bytes]:
    return _refusal(Code.NOT_FOUND, "nothing is at this address")


def _refusal(code: Code, detail: str) -> tuple[int, str, bytes]:
    shown = problem(code, detail)
    body = shown.model_dump_json(exclude_none=True).encode()
    return shown.status, "application/problem+json", body


def _json(status: int, body: Mapping[str, Any]) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(body).encode()


def _wants_json(scope: _Scope) -> bool:
    return any(
        name == b"accept" and b"json" in value and b"text/html" not in value
        for name, value in scope["headers"]
    )
