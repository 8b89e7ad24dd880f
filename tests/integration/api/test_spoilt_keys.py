"""What an idempotency key holds and cannot be read uses up that key alone, and is seen."""

import json
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Running
from tests.integration.api.stand_in import StandInScheduler
from tests.integration.api.streams import metric
from tests.integration.runtime.test_reading import KEPT, hpub, spoken
from tests.support.servers import Broker, Postgres
from trigger_admin import records
from trigger_admin.installation import Installation
from trigger_contracts.topology import IDEMPOTENCY
from trigger_runtime.jetstream import records as runtime_records

TRIGGER = {"name": "a", "type": "api"}
GARBAGE = [b"", b"\xff", b"{", b"null", b"[]", b'{"stream":"KV_IDEMPOTENCY","seq":1}', b"[" * 9000]


async def answered(http: httpx.AsyncClient, door: str, key: str) -> int:
    """A fire, a create and a bulk create, each under the same key."""
    bodies: dict[str, Any] = {
        f"{door}/fire": {"payload": 1},
        "/triggers/": TRIGGER,
        "/triggers/bulk": [TRIGGER, TRIGGER],
    }
    statuses = set()
    for path, body in bodies.items():
        response = await http.post(path, json=body, headers={"Idempotency-Key": key})
        statuses.add(response.status_code)
        if response.status_code == 409:
            assert response.json()["code"] == "idempotency-mismatch", response.text
            assert "use another key" in response.text
    assert len(statuses) == 1 or statuses <= {200, 201, 202}, statuses
    return max(statuses)


@pytest.mark.parametrize("how", ["garbage", "a malformed header block"])
async def test_a_spoilt_key_is_told_and_others_work(
    gateway: Running,
    scheduler: StandInScheduler,
    platform_streams: Broker,
    postgres: Postgres,
    how: str,
) -> None:
    http = gateway.http
    door = (await http.post("/triggers/", json=TRIGGER)).headers["location"]
    assert await answered(http, door, "k") < 300
    async with platform_streams.connected("admin") as admin:
        jetstream = admin.jetstream()
        info = await jetstream.stream_info(IDEMPOTENCY.stream, subjects_filter=">")
        held = list(info.state.subjects or {})
        assert len(held) == 3
        for kind in GARBAGE if how == "garbage" else [KEPT[3]]:
            for subject in held:
                if how == "garbage":
                    await jetstream.publish(subject, kind)
                else:
                    good = (await jetstream.get_last_msg(IDEMPOTENCY.stream, subject)).data or b""
                    assert json.loads(good)
                    said = hpub(subject.encode(), kind, good)
                    await spoken(platform_streams, "admin", said)
            runtime_records._named.clear()
            before = metric("etp_records_unreadable_total", stream=IDEMPOTENCY.stream)
            assert await answered(http, door, "k") == 409
            counted = metric("etp_records_unreadable_total", stream=IDEMPOTENCY.stream) - before
            assert counted == len(held)
            assert await answered(http, door, f"other than {kind!r}"[:40]) < 300
    password = platform_streams.passwords["admin"]
    servers = Installation(platform_streams.url, password, postgres.url())
    found = await records.unreadable(servers)
    assert {one.subject for one in found} == set(held)
    for one in found:
        await records.remove(servers, one.stream, one.seq)
    assert await answered(http, door, "k") < 300
