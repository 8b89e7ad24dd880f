"""GET /events/export: the log as a file, streamed.

Once it has begun, an answer can say that it failed only by not ending: the connection is then
closed without the end of its body, which no client takes for a whole file.
"""

import asyncio
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from trigger_api.domain.log.exports import File, file_of
from trigger_api.domain.queries import ExportQuery
from trigger_api.handlers.exports import Exports
from trigger_api.handlers.places import PlaceLost
from trigger_api.ports.log import LogViews
from trigger_api.ports.process import Clock
from trigger_runtime.process.errors import DependencyUnavailable
from trigger_runtime.process.logging_setup import get_logger

from . import routes
from .coverage import coverage
from .gateway import IS_HEAD
from .log_fields import REQUEST_ID
from .openapi import headers
from .serving import abort_of, gone, watches_its_reader

log = get_logger(__name__)

LINGER_S = 10.0
"""What a client has to take what is still on its way to it, once its export has failed."""

_DOCS: dict[str, Any] = {
    "operation_id": "exportEvents",
    "responses": {
        200: {
            "description": "All rows that pass, the newest first and with payloads, streamed. "
            "An answer that does not end as it should is not whole.",
            "headers": headers.references(headers.CONTENT_DISPOSITION, headers.COVERAGE),
            "content": {
                "application/x-ndjson": {
                    # Of each line.
                    "schema": {"$ref": "#/components/schemas/EventDetail"},
                },
                "text/csv": {"schema": {"type": "string"}},
            },
        }
    },
}


def router(exports: Exports, views: LogViews, clock: Clock, write_timeout: timedelta) -> APIRouter:
    """The route. A client that takes nothing for so long as ``write_timeout`` is cut."""

    async def export(request: Request, query: Annotated[ExportQuery, Query()]) -> Response:
        """The log as a file, with the filters of the list: NDJSON or CSV, of any size."""
        wanted = query.checked()
        file = file_of(wanted, request.headers.get("accept", ""), clock.now())
        return _Download(exports, wanted, file, write_timeout, await coverage(views, wanted))

    router = APIRouter(tags=["events"])
    routes.add(router, "GET", "/events/export", export, **_DOCS)
    return router


class _Download(Response):
    """The answer: it ends properly only if the export did."""

    def __init__(
        self,
        exports: Exports,
        query: ExportQuery,
        file: File,
        write_timeout: timedelta,
        covered: dict[str, str],
    ) -> None:
        super().__init__()
        self._exports = exports
        self._query = query
        self._file = file
        self._write_timeout_s = write_timeout.total_seconds()
        self._covered = covered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if IS_HEAD in scope:
            # Nothing is read of what nobody would be sent.
            await send({"type": "http.response.start", "status": 200, "headers": self._head()})
            await send({"type": "http.response.body", "body": b""})
            return
        watches_its_reader(scope)
        sending = asyncio.ensure_future(self._send(scope, send))
        leaving = asyncio.ensure_future(gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # A server that stops, and has waited as long as it may.
            _cut(scope, 0, kind="the gateway stops")
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.wait({sending, leaving})
        if not sending.cancelled():
            sending.result()

    async def _send(self, scope: Scope, send: Send) -> None:
        try:
            await self._write(scope, send)
        except PlaceLost:
            _cut(scope, 0, kind="the client takes nothing, and another one waited")

    async def _write(self, scope: Scope, send: Send) -> None:
        async with self._exports.open(self._query, self._file) as bodies:
            await send({"type": "http.response.start", "status": 200, "headers": self._head()})
            try:
                # Read when there is room for it, not before: it might be over by then.
                while await self._has_room(send) and (body := await anext(bodies, b"")):
                    await send(_part(body))
            except DependencyUnavailable as error:
                _cut(scope, LINGER_S, kind=type(error).__name__)
                return
            except TimeoutError:
                _cut(scope, 0, kind="the client takes nothing")
                return
        await send({"type": "http.response.body", "body": b""})

    async def _has_room(self, send: Send) -> bool:
        """Always true; raises ``TimeoutError``. A server waits before it writes, even nothing."""
        async with asyncio.timeout(self._write_timeout_s):
            await send(_part(b""))
        return True

    def _head(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"content-type", self._file.content_type.encode()),
            (b"content-disposition", f'attachment; filename="{self._file.name}"'.encode()),
            # A proxy that collected the answer would need room for all of it.
            (b"x-accel-buffering", b"no"),
            *((name.encode(), value.encode()) for name, value in self._covered.items()),
        ]


def _part(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


def _cut(scope: Scope, linger_s: float, **why: str) -> None:
    """Nothing more will come. The server closes what an application leaves unfinished."""
    log.warning("export not finished", request_id=scope[REQUEST_ID], **why)
    abort = abort_of(scope)
    if abort is not None:
        asyncio.get_running_loop().call_later(linger_s, abort)
