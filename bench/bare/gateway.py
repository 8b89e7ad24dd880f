"""An HTTP door with nothing behind it: publish the body, await the ack, answer 202. A worker."""

import asyncio

import uvicorn
from starlette.types import Receive, Scope, Send

from bench.support.checks import until
from bench.support.servers import BARE, PUBLISH_TIMEOUT, Servers
from bench.support.workers import Link
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.process.ids import new_id
from trigger_runtime.worker import settle_memory


async def serve(link: Link, servers: Servers, port: int) -> None:
    """The same uvicorn, event loop, publisher and garbage collection as the gateway's."""
    async with servers.connected() as connection:
        publisher = JetStreamPublisher(connection, BARE.name, timeout=PUBLISH_TIMEOUT)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            message = await receive()
            body: bytes = message["body"]
            while message.get("more_body"):
                message = await receive()
                body += message["body"]
            await publisher.publish(Message("bare.fire", body, new_id()))
            headers = [(b"content-length", b"2"), (b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 202, "headers": headers})
            await send({"type": "http.response.body", "body": b"{}"})

        server = uvicorn.Server(
            uvicorn.Config(
                app, port=port, http="httptools", lifespan="off", log_config=None, access_log=False
            )
        )
        serving = asyncio.create_task(server.serve())

        async def started() -> bool:
            return server.started

        await until(started, within=10, what="the bare door listens")
        settle_memory()
        link.ready()
        await link.told()
        server.should_exit = True
        await serving
