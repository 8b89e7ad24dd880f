"""Streams that somebody removed or edited: the gateway says which, and does what it still can."""

import json
from typing import Any

import pytest

from tests.integration.api.conftest import Running
from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_admin import streams
from trigger_contracts.topology import DEAD, IDEMPOTENCY


async def told(gateway: Running) -> str:
    """What `/ready` says of streams; it is 200 whatever that is."""
    answer = await gateway.http.get("/ready")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    said: str = found["checks"]["streams"]
    assert said == "ok" or found["status"] == "degraded"
    return said


async def edit(broker: Broker, stream: str, **fields: Any) -> None:
    async with broker.connected() as admin:
        info = json.loads((await admin.request(f"$JS.API.STREAM.INFO.{stream}", b"")).data)
        changed = json.dumps({**info["config"], **fields}).encode()
        answer = await admin.request(f"$JS.API.STREAM.UPDATE.{stream}", changed)
        assert "error" not in json.loads(answer.data), answer.data


@pytest.mark.parametrize(
    ("stream", "fields", "fault"),
    [
        (DEAD.name, {"max_msgs": 7}, "it keeps 7 messages at most"),
        (IDEMPOTENCY.stream, {"max_age": 3600 * 10**9}, "it keeps messages for 3600 s, not for"),
    ],
)
async def test_a_stream_that_is_not_as_declared_is_named_with_what_differs(
    gateway: Running, platform_streams: Broker, stream: str, fields: dict[str, Any], fault: str
) -> None:
    assert await told(gateway) == "ok"
    await edit(platform_streams, stream, **fields)

    async def is_named() -> bool:
        return (await told(gateway)).startswith(f"{stream}: {fault}")

    await eventually(is_named, within=20)
    assert (await told(gateway)).endswith("etp provision mend that")
    assert (await gateway.http.get("/triggers/")).status_code == 200
    async with platform_streams.connected() as admin:
        await streams.apply(admin)

    async def is_mended() -> bool:
        return await told(gateway) == "ok"

    await eventually(is_mended, within=20)


async def test_a_stream_that_is_gone_is_named_until_it_is_made_again(
    gateway: Running, platform_streams: Broker
) -> None:
    async with platform_streams.connected() as admin:
        await admin.jetstream().delete_stream(DEAD.name)

        async def is_named() -> bool:
            return (await told(gateway)).startswith(f"{DEAD.name} is missing")

        await eventually(is_named, within=20)
        await streams.apply(admin)

    async def is_there() -> bool:
        return await told(gateway) == "ok"

    await eventually(is_there, within=20)
