"""Dead letters tried again by REST, over the real broker: handled, failed, or not decided."""

import asyncio
from datetime import datetime, timedelta

import httpx

from tests.integration.api.conftest import ready, serving
from tests.integration.api.letter_owner import FIRE, Owner, listed, owning, stored_letters
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_contracts.dead_letters import KEPT_BYTES
from trigger_contracts.events import DeadLetter
from trigger_contracts.subjects import Service
from trigger_local.secrets import Secrets
from trigger_runtime.process.errors import BrokerUnavailable


async def test_a_redrive_that_is_handled_leaves_nothing(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker
) -> None:
    headers = {"reply_to": "_INBOX_client.x", "Nats-Msg-Id": "m1"}
    letter_id = await owner.dead_letter(7, b"canary", age=timedelta(hours=1), headers=headers)
    other = await owner.dead_letter(8)
    stored_at = (await http.get(f"/dead-letters/{letter_id}")).json()["original"]["stored_at"]

    done = await http.post(f"/dead-letters/{letter_id}/redrive")
    again = await http.post(f"/dead-letters/{letter_id}/redrive/")

    assert (done.status_code, done.json()["status"]) == (200, "handled")
    assert (again.status_code, again.json()) == (200, done.json())
    (seen,) = owner.seen
    assert (seen.subject, seen.payload, seen.headers) == (FIRE, b"canary", headers)
    assert (seen.stream_seq, seen.stored_at) == (7, datetime.fromisoformat(stored_at))
    assert [row["id"] for row in await listed(http)] == [other]
    gone = await http.get(f"/dead-letters/{letter_id}")
    assert gone.status_code == 410
    assert "handled" in gone.json()["detail"]
    assert not any(b"canary" in m.payload for m in await stored_letters(platform_streams))


async def test_a_redrive_that_fails_stays_with_the_new_reason(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker
) -> None:
    letter_id = await owner.dead_letter(1, age=timedelta(hours=1))
    newer = await owner.dead_letter(2)
    (_, before) = await listed(http)
    owner.refuses = "still not JSON"

    first = await http.post(f"/dead-letters/{letter_id}/redrive")
    second = await http.post(f"/dead-letters/{letter_id}/redrive")

    assert (first.status_code, first.json()["status"]) == (200, "failed")
    assert first.json()["reason"] == second.json()["reason"] == "still not JSON"
    (row, other) = await listed(http)
    assert (row["id"], other["id"]) == (letter_id, newer)
    assert row["redrives"] == 2
    assert row["reason"] == "redriven 2 times, failed again: still not JSON"
    assert row["original"] == before["original"]
    assert row["deletes_at"] == before["deletes_at"]
    assert row["dead_at"] > before["dead_at"]
    assert len(await stored_letters(platform_streams)) == 2

    owner.refuses = None
    assert (await http.post(f"/dead-letters/{letter_id}/redrive")).json()["status"] == "handled"
    assert [row["id"] for row in await listed(http)] == [newer]


async def test_an_error_of_the_service_is_a_failure_with_its_name(
    http: httpx.AsyncClient, owner: Owner
) -> None:
    letter_id = await owner.dead_letter(1)
    owner.raises = KeyError("colour")

    response = await http.post(f"/dead-letters/{letter_id}/redrive")

    assert response.json()["reason"] == "KeyError: 'colour'"
    assert len(await listed(http)) == 1


async def test_a_redrive_waits_for_no_server(http: httpx.AsyncClient, owner: Owner) -> None:
    letter_id = await owner.dead_letter(1)
    before = await listed(http)
    owner.raises = BrokerUnavailable("away")

    response = await http.post(f"/dead-letters/{letter_id}/redrive")

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert await listed(http) == before


async def test_a_redrive_without_its_service_is_refused_and_changes_nothing(
    http: httpx.AsyncClient, platform_streams: Broker, secrets: Secrets
) -> None:
    async with owning(platform_streams, secrets, Service.RETENTION) as owner:
        letter_id = await owner.dead_letter(1)
    before = await listed(http)

    response = await http.post(f"/dead-letters/{letter_id}/redrive")

    assert response.status_code == 503
    assert response.json()["code"] == "unavailable"
    assert await listed(http) == before


async def test_a_redrive_that_takes_long_is_accepted_and_done(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, owner: Owner
) -> None:
    letter_id = await owner.dead_letter(1)
    owner.waits_for = asyncio.Event()
    options = {"command_timeout": timedelta(milliseconds=200)}
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        await ready(running)
        response = await running.http.post(f"/dead-letters/{letter_id}/redrive")
        assert (response.status_code, response.json()["status"]) == (202, "accepted")
        assert len(await listed(running.http)) == 1

        owner.waits_for.set()

        async def nothing_left() -> bool:
            return await listed(running.http) == []

        await eventually(nothing_left)


async def test_redriven_by_many_at_once_it_is_handled_and_gone(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker, secrets: Secrets
) -> None:
    letter_id = await owner.dead_letter(1)
    async with owning(platform_streams, secrets, Service.EXECUTOR) as second:
        answers = await asyncio.gather(
            *(http.post(f"/dead-letters/{letter_id}/redrive") for _ in range(20))
        )
        assert {answer.json()["status"] for answer in answers} == {"handled"}
        assert 1 <= len(owner.seen) + len(second.seen) <= 20
    assert await listed(http) == []


async def test_a_failing_redrive_does_not_bring_back_what_another_has_handled(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker, secrets: Secrets
) -> None:
    letter_id = await owner.dead_letter(1)
    owner.refuses, owner.waits_for = "no", asyncio.Event()
    failing = asyncio.create_task(http.post(f"/dead-letters/{letter_id}/redrive"))
    await eventually(lambda: owner.seen)
    (stored,) = await stored_letters(platform_streams)
    await owner.letters.handled(DeadLetter.model_validate_json(stored.payload), letter_id)

    owner.waits_for.set()

    assert (await failing).json()["status"] == "failed"
    assert await listed(http) == []


async def test_what_was_cut_cannot_be_redriven(http: httpx.AsyncClient, owner: Owner) -> None:
    letter_id = await owner.dead_letter(1, b"x" * (KEPT_BYTES + 1))
    many = {f"h{n}": "x" for n in range(30)}
    by_headers = await owner.dead_letter(2, headers=many)

    for one in (letter_id, by_headers):
        response = await http.post(f"/dead-letters/{one}/redrive")
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == "/path/letter_id"
        shown = (await http.get(f"/dead-letters/{one}")).json()
        assert shown["original"]["is_whole"] is False
    assert owner.seen == []
