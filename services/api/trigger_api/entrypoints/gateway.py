"""The outermost layer of every request, in plain ASGI: identity, authentication, headers, metrics.

It knows who asks before anything else happens, answers fires and the web UI's files itself, hands
the rest to the FastAPI application, and turns whatever escapes that into a problem that says
nothing internal.
Invariant: every answer has a request id and the security headers, and every refusal is a problem.
"""

import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trigger_api.domain.sessions import is_from_elsewhere, says_elsewhere
from trigger_api.domain.triggers.etags import as_gzip
from trigger_api.ports.process import Clock, NewId
from trigger_contracts.errors import Code, Refused, problem, refused
from trigger_contracts.ids import is_valid_id
from trigger_runtime.http.refusals import SECURITY_HEADERS
from trigger_runtime.process.log_context import LogContext
from trigger_runtime.process.logging_setup import get_logger

from . import compressing, fires, parameters
from . import head as heads
from .answers import HttpAnswer, internal, problem_answer, problem_of
from .bodies import Disconnected
from .compressing import Compressor
from .fires import FireEndpoint
from .head import Head
from .identity import SESSION_PATH, Callers
from .log_fields import KEY_ID, REQUEST_ID, of_request
from .ui import UiEndpoint

log = get_logger(__name__)

ROUTE = "etp.route"
ENDLESS = "etp.endless"
IS_HEAD = "etp.is_head"
"""Where in the ASGI scope the gateway leaves what it found out."""

OPEN_PATHS = frozenset(
    {
        "/",
        "/health",
        "/ready",
        "/serving",
        "/metrics",
        "/docs",
        "/docs/style.css",
        "/openapi.json",
        "/asyncapi",
        "/asyncapi.json",
        "/favicon.ico",
    }
)
"""What needs no key: nothing there is secret or anybody's own."""

_UI = "/ui"
"""Nor does this address, and what is below it: the page asks for a key itself."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""What changes nothing: another site may have a browser ask for it, and cannot read the answer."""
_OPTIONS = HttpAnswer(204, headers={"allow": ", ".join(sorted(_METHODS))})
"""To what is asked of the server as a whole (``OPTIONS *``): what any address of it may answer."""


Answered = Callable[[str, str, int, float | None], None]
"""Told of a request: its method, route and status, and the seconds of an answer meant to end."""


class Gateway:
    """The process's ASGI application."""

    def __init__(
        self,
        app: ASGIApp,
        fire_endpoint: FireEndpoint,
        ui: UiEndpoint,
        identity: Callers,
        clock: Clock,
        new_id: NewId,
        on_answered: Answered,
        compressor: Compressor | None = None,
    ) -> None:
        self._app = app
        self._fire_endpoint = fire_endpoint
        self._ui = ui
        self._identity = identity
        self._clock = clock
        self._new_id = new_id
        self._on_answered = on_answered
        self._compressor = compressor or Compressor()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        method: str = scope["method"]
        head = heads.read(scope["headers"])
        exchange = _Exchange(
            send,
            self._compressor,
            head.fields.get(b"accept-encoding"),
            is_head=method == "HEAD",
        )
        scope["headers"] = list(head.fields.items())
        if exchange.is_head:
            # Whatever answers GET; the server goes on to know what it was.
            scope = {**scope, "method": "GET", IS_HEAD: True}
        request_id = _request_id(head.fields) or self._new_id()
        exchange.headers = ((b"x-request-id", request_id.encode()), *SECURITY_HEADERS)
        scope[REQUEST_ID] = request_id
        context = LogContext(lambda: of_request(scope))
        started = time.perf_counter()
        try:
            await self._dispatch(scope, head, receive, exchange)
        except Disconnected:
            exchange.status = exchange.status or 499
        except Exception as error:
            found = problem_of(error)
            if found is None:
                log.exception("request failed", method=method, kind=type(error).__name__)
                found = internal()
            if not exchange.status:
                await problem_answer(found, request_id).send(exchange)
        finally:
            context.end()
            seconds = None if ENDLESS in scope else time.perf_counter() - started
            counted = method if method in _METHODS else "other"
            self._on_answered(counted, _route_of(scope), exchange.status, seconds)

    async def _dispatch(
        self,
        scope: Scope,
        head: Head,
        receive: Receive,
        exchange: "_Exchange",
    ) -> None:
        path: str = scope["path"]
        if path == "*" and scope["method"] == "OPTIONS":
            await _OPTIONS.send(exchange)
            return
        if (path.rstrip("/") or "/") in OPEN_PATHS:
            await self._app(scope, receive, exchange)
            return
        if path == _UI or path.startswith(f"{_UI}/"):
            scope[ROUTE] = f"{_UI}/"
            answer = await self._ui.answer(scope, head.fields, scope[REQUEST_ID])
            await answer.response()(scope, receive, exchange)
            return
        if not head.has_one_key:
            head.check()
        if path.rstrip("/") == SESSION_PATH:
            if scope["method"] != "GET" and says_elsewhere(head.fields, self._identity.own_hosts):
                raise _cross_site()
            head.check()
            await self._app(scope, receive, exchange)
            return
        key_id = self._key_id(scope, head, exchange)
        if key_id is None:
            await _unauthorized(scope[REQUEST_ID]).send(exchange)
            return
        scope[KEY_ID] = key_id
        if scope["method"] == "POST" and (match := fires.PATH.fullmatch(path)):
            scope[ROUTE] = f"/triggers/{{trigger_id}}/{match[2]}"
            answer = await self._fire_endpoint.answer(
                match[1],
                head.fields,
                receive,
                f"key:{key_id}",
                is_test=match[2] == "test",
                check=lambda: _check_fire(scope, head),
            )
            await answer.send(exchange)
            return
        head.check()
        await self._app(scope, receive, exchange)

    def _key_id(self, scope: Scope, head: Head, exchange: "_Exchange") -> str | None:
        """Whose request it is; a session goes on by it. Raises ``Refused``."""
        now = self._clock.now()
        known = self._identity.of(head.fields, now)
        if known is None or known.session is None:
            return None if known is None else known.key_id
        if scope["method"] not in _SAFE and is_from_elsewhere(
            head.fields, self._identity.own_hosts
        ):
            raise _cross_site()
        renewal = self._identity.renewal(known.session, now)
        if renewal is not None:
            exchange.headers += ((b"set-cookie", renewal.encode()),)
        return known.key_id


class _Exchange:
    """Sends one answer, with the headers that every answer has; remembers its status."""

    __slots__ = ("_accepted", "_compressor", "_large", "_send", "headers", "is_head", "status")

    def __init__(
        self,
        send: Send,
        compressor: Compressor,
        accepted: bytes | None,
        *,
        is_head: bool = False,
    ) -> None:
        """``accepted``: the encodings that the client takes. ``is_head``: what a GET would be
        answered, without its body.
        """
        self._send = send
        self._compressor = compressor
        self._accepted = accepted
        self._large: Message | None = None
        """The head of an answer that is compressed once its body is there."""
        self.is_head = is_head
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = list(message.get("headers", ()))
            fields = dict(own)
            message["headers"] = [*own, *(each for each in self.headers if each[0] not in fields)]
            if compressing.is_large(fields):
                self._large = message
                return
        else:
            if self._large is not None:
                message = await self._encoded(self._large, message)
            if self.is_head:
                message = {**message, "body": b""}
        await self._send(message)

    async def _encoded(self, head: Message, message: Message) -> Message:
        """Sends the head of a large answer, as its body will be; returns that."""
        self._large = None
        lines = [*head["headers"], compressing.VARY]
        body: bytes = message["body"]
        is_whole = not message.get("more_body")
        encoded = await self._compressor.of(body, self._accepted) if is_whole else None
        if encoded is not None:
            lines = [
                (name, as_gzip(value.decode("latin-1")).encode("latin-1"))
                if name == b"etag"
                else (name, value)
                for name, value in lines
                if name != b"content-length"
            ]
            lines += [(b"content-encoding", b"gzip"), (b"content-length", b"%d" % len(encoded))]
            message = {**message, "body": encoded}
        await self._send({**head, "headers": lines})
        return message


def _check_fire(scope: Scope, head: Head) -> None:
    head.check()
    parameters.check(scope["query_string"], parameters.NONE)


def _request_id(headers: Mapping[bytes, bytes]) -> str | None:
    """The caller's own, if it could be one of ours: it goes into logs and headers."""
    given = headers.get(b"x-request-id")
    text = given.decode("latin-1") if given else ""
    return text if is_valid_id(text) else None


def _cross_site() -> Refused:
    detail = (
        "a page of another origin may not do this with your session: open the platform's own page, "
        "or send an API key"
    )
    return refused(Code.CROSS_SITE, detail)


def _unauthorized(request_id: str) -> HttpAnswer:
    detail = "send an API key as X-API-KEY, or as Authorization: Bearer"
    return problem_answer(problem(Code.UNAUTHORIZED, detail), request_id)


def _route_of(scope: MutableMapping[str, Any]) -> str:
    return str(scope.get(ROUTE) or getattr(scope.get("route"), "path", "none"))
