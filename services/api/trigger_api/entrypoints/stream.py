"""GET /events/stream: the log as it grows, as server-sent events.

The answer lasts until its reader goes, is too slow, or the gateway stops; then the connection is
closed, by force where even the last words are not taken.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trigger_api.domain.live_tail.sse import CONTENT_TYPE
from trigger_api.domain.live_tail.tail_position import HEADER, StreamQuery, last_seen
from trigger_api.handlers.live_reader import TailReader, TailReaders
from trigger_api.handlers.live_tail import Tail
from trigger_runtime.process.loops import Loop

from . import routes
from .gateway import ENDLESS, IS_HEAD
from .openapi import answers
from .serving import abort_of, gone, watches_its_reader

LINGER_S = 2.0
"""What a connection has to take what is still on its way, once its stream has ended."""

_HEADERS = (
    (b"content-type", CONTENT_TYPE.encode()),
    (b"connection", b"close"),
    # A proxy that collected the answer would show nothing.
    (b"x-accel-buffering", b"no"),
)
_LAST_EVENT_ID = routes.header_parameter(
    HEADER, "The id of the event that was seen last: what follows it is sent first."
)
_DOCS: dict[str, Any] = {
    "operation_id": "streamEvents",
    "responses": {
        200: answers.text(
            CONTENT_TYPE,
            "Events under their type (`trigger.fired.v1`, `trigger.missed.v1`, "
            "`trigger.rejected.v1`), and `reset`, `dropped` or `closing`. The schema is that of "
            "each one's data: a CloudEvent, or with `shape=row` a row as in lists. With "
            "`deliveries=true` also `trigger.delivery.planned.v1`, "
            "`trigger.delivery.attempted.v1`, `trigger.delivery.ended.v1`, and of targets' health "
            "`trigger.health.failing.v1`, "
            "`trigger.health.gone.v1`, `trigger.health.recovered.v1` and `trigger.health.dead.v1`.",
            schema={
                "oneOf": [
                    {"$ref": "#/components/schemas/CloudEvent"},
                    {"$ref": "#/components/schemas/DeliveryEvent"},
                    {"$ref": "#/components/schemas/EventShown"},
                    {"$ref": "#/components/schemas/HealthEvent"},
                    {"$ref": "#/components/schemas/StreamNotice"},
                ]
            },
        )
    },
    "openapi_extra": {"parameters": [_LAST_EVENT_ID]},
}


def router(readers: TailReaders, with_deliveries: TailReaders) -> APIRouter:
    """``GET /events/stream``; ``with_deliveries`` have their records beside the events."""

    async def stream(request: Request, query: Annotated[StreamQuery, Query()]) -> Response:
        """The log as it grows, as server-sent events: `data` is a CloudEvent, or with `shape=row` a
        row as `GET /events/` lists it, on one line.
        """
        wanted = query.checked().wanted()
        seen = last_seen(request.headers.get(HEADER), query.last_event_id)
        chosen = with_deliveries if query.deliveries else readers
        return _Stream(await chosen.open(wanted, seen, query.shape))

    router = APIRouter(tags=["events"])
    routes.add(router, "GET", "/events/stream", stream, **_DOCS)
    return router


def tail_loops(tail: Tail, with_deliveries: Tail) -> tuple[Loop, Loop]:
    """The loops that follow the log while somebody reads, not yet started."""
    loops = (
        Loop("live tail", tail.follow),
        Loop("live tail with deliveries", with_deliveries.follow),
    )
    for one, loop in zip((tail, with_deliveries), loops, strict=True):
        one.on_wake(loop.wake)
    return loops


class _Stream(Response):
    """An answer that a reader writes."""

    def __init__(self, reader: TailReader) -> None:
        super().__init__()
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ENDLESS] = True
        watches_its_reader(scope)
        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        if IS_HEAD in scope:
            await send({"type": "http.response.body", "body": b""})
            return
        listening = asyncio.create_task(_until_gone(receive, self._reader.leave))
        try:
            is_taken = await self._reader.deliver(_Outlet(send))
            abort = abort_of(scope)
            if is_taken:
                await send({"type": "http.response.body", "body": b""})
                if abort is not None:
                    asyncio.get_running_loop().call_later(LINGER_S, abort)
            elif abort is not None:
                abort()
                await listening
        finally:
            listening.cancel()


class _Outlet:
    """A ``handlers.live_reader.Outlet``: a server waits for room before it writes, even nothing."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def room(self) -> None:
        await self.write(b"")

    async def write(self, words: bytes) -> None:
        await self._send({"type": "http.response.body", "body": words, "more_body": True})


async def _until_gone(receive: Receive, call: Callable[[], None]) -> None:
    await gone(receive)
    call()
