"""A collector of traces on loopback that takes everything and counts requests. A worker."""

import asyncio

import uvicorn
from starlette.types import Receive, Scope, Send

from .checks import until
from .workers import Link


async def collect(link: Link, port: int) -> None:
    """Reports how many requests it took, once it is told to end."""
    taken = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal taken
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            """Not read: it is what a service sends that is measured."""
        taken += 1
        headers = [(b"content-length", b"0"), (b"content-type", b"application/x-protobuf")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    server = uvicorn.Server(
        uvicorn.Config(app, port=port, lifespan="off", log_config=None, access_log=False)
    )
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started, within=10, what="the collector listens")
    link.ready()
    await link.told()
    link.report(taken)
    await link.told()
    server.should_exit = True
    await serving
