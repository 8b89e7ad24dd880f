"""Lanes over a real index and log: limits that are exact over replicas, and what survives what."""

import asyncio
import contextlib
import time
from datetime import timedelta

from tests.support.eventually import eventually
from trigger_contracts.deliveries.outcomes import Final, Reason

from .conftest import Deliveries, answer


async def test_what_is_planned_is_delivered_once_and_its_index_is_empty(deliveries: Deliveries):
    await deliveries.has()
    await deliveries.start(2)
    ids = await deliveries.fire(count=200)
    await deliveries.all_done()
    assert sorted(deliveries.receivers.event_ids()) == sorted(ids)
    assert {one.final for one in await deliveries.attempted()} == {Final.DELIVERED}
    assert deliveries.receivers.most_flying["shop"] <= 10


async def test_over_two_replicas_a_target_never_has_more_at_once_than_it_takes(
    deliveries: Deliveries,
):
    for place in range(8):
        await deliveries.has(f"t{place}", concurrency=3)
        deliveries.receivers.answers[f"t{place}"] = answer(200, after_s=0.02)
        await deliveries.fire(f"t{place}", count=30)
    await deliveries.start(2)
    await deliveries.all_done()
    assert len(deliveries.receivers.sent) == 240
    assert set(deliveries.receivers.most_flying.values()) == {3}
    epochs = {one.epoch for one in await deliveries.attempted()}
    assert epochs == {1}


async def test_a_rate_is_exact_over_a_handover_from_one_replica_to_another(
    deliveries: Deliveries,
):
    await deliveries.has(rate={"count": 10, "per": "1s"})
    await deliveries.fire(count=45)
    await deliveries.start(1)
    await eventually(lambda: len(deliveries.receivers.sent) >= 15, within=15)
    await deliveries.replicas[0].stop()
    await deliveries.start(1)
    await deliveries.all_done()
    times = deliveries.receivers.times()
    assert len(times) == 45
    gaps = [later - at for at, later in zip(times, times[10:], strict=False)]
    # A millisecond for what the machine does between a start and the receiver.
    assert min(gaps) >= 0.999


async def test_the_lanes_of_a_killed_replica_pass_on_within_six_seconds(deliveries: Deliveries):
    """What was in flight is tried again under its number, and an order is kept."""
    await deliveries.has()
    await deliveries.has("line", ordered=True)
    deliveries.receivers.answers["shop"] = answer(200, after_s=30.0)
    deliveries.receivers.answers["line"] = answer(200, after_s=0.02)
    (hanging,) = await deliveries.fire()
    ids = {one: await deliveries.fire("line", trigger_id=one, count=8) for one in "abc"}
    await deliveries.start(1)
    await eventually(lambda: len(deliveries.receivers.sent) > 8, within=15)
    await deliveries.start(1)
    deliveries.receivers.answers["shop"] = answer(200)
    killed = time.monotonic()
    await deliveries.replicas[0].kill()
    await deliveries.all_done()
    again = [at for at, one in deliveries.receivers.sent if one.event_id == hanging]
    assert again[-1] - killed <= 6.0
    records = await deliveries.attempted()
    assert [(one.attempt, one.epoch) for one in records if one.event_id == hanging] == [(1, 2)]
    for expected in ids.values():
        sent = [one for one in deliveries.receivers.event_ids() if one in expected]
        assert list(dict.fromkeys(sent)) == expected
        assert len(sent) <= len(expected) + 1


async def test_more_than_a_thousand_wait_behind_an_open_breaker_and_all_arrive(
    deliveries: Deliveries,
):
    await deliveries.has(concurrency=50)
    deliveries.receivers.answers["shop"] = answer(503)
    ids = await deliveries.fire(count=1200)
    await deliveries.start(1)
    await eventually(lambda: len(deliveries.receivers.sent) >= 5, within=15)
    # Open, it is in nobody's hands, and stays so over a restart; until an edit half-opens it.
    await deliveries.stop()
    await deliveries.start(1)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.5):
            await asyncio.Event().wait()
    await deliveries.stop()
    tried = len(deliveries.receivers.sent)
    assert tried < 10
    lane = await deliveries.lane()
    assert lane["owner"] is None
    assert '"open_until"' in lane["state"]
    deliveries.receivers.answers["shop"] = answer(200)
    await deliveries.has(version=2)
    await deliveries.start(2)
    await deliveries.all_done(within=30)
    assert len(deliveries.receivers.sent) == tried + len(ids)
    assert deliveries.receivers.most_flying["shop"] <= 50


async def test_a_deleted_target_gets_nothing_a_second_later_and_the_rest_is_dead(
    deliveries: Deliveries,
):
    target = await deliveries.has(concurrency=1)
    deliveries.receivers.answers["shop"] = answer(200, after_s=0.2)
    ids = await deliveries.fire(count=30)
    await deliveries.start(2)
    await eventually(lambda: len(deliveries.receivers.sent) >= 3, within=15)
    await deliveries.delete(target)
    deleted = time.monotonic()
    await deliveries.all_done()
    assert max(deliveries.receivers.times()) - deleted <= 1.0
    ended = await deliveries.ended()
    assert {one.reason for one in ended} == {Reason.TARGET_DELETED}
    assert sorted([*deliveries.receivers.event_ids(), *(one.event_id for one in ended)]) == sorted(
        ids
    )


async def test_an_edit_counts_from_the_next_attempt_and_half_opens_the_breaker(
    deliveries: Deliveries,
):
    await deliveries.has()
    deliveries.receivers.answers["shop"] = answer(500)
    await deliveries.fire(count=20)
    await deliveries.start(1)
    await eventually(lambda: len(deliveries.receivers.sent) >= 5, within=15)
    await eventually(lambda: not deliveries.receivers.flying["shop"], within=15)
    sent = len(deliveries.receivers.sent)
    deliveries.receivers.answers["shop"] = answer(200)
    await deliveries.has(version=2, url="https://mended.example/")
    edited = time.monotonic()
    await eventually(lambda: len(deliveries.receivers.sent) > sent, within=15)
    assert deliveries.receivers.times()[sent] - edited <= 1.0
    first = deliveries.receivers.sent[sent][1]
    assert first.definition.url == "https://mended.example/"
    assert {one.target_version for one in (await deliveries.attempted())[:sent]} == {1}


async def test_what_expires_is_recorded_before_its_row_goes(deliveries: Deliveries):
    deliveries.kept_for = timedelta(seconds=6)
    await deliveries.has()
    deliveries.receivers.answers["shop"] = answer(410, is_gone=True)
    ids = await deliveries.fire(count=12)
    await deliveries.start(1)
    await deliveries.all_done(within=8)
    tried = {one.event_id for one in await deliveries.attempted() if one.final}
    ended = await deliveries.ended()
    assert {one.reason for one in ended} == {Reason.EXPIRED}
    assert tried | {one.event_id for one in ended} == set(ids)


async def test_an_event_that_is_gone_from_the_stream_is_dead(deliveries: Deliveries):
    await deliveries.has()
    lost, kept = await deliveries.fire(count=2)
    jetstream = deliveries.admin.client.jetstream()
    await jetstream.delete_msg("TRIGGER_EVENTS", 1)
    await deliveries.start(1)
    await deliveries.all_done()
    assert [(one.event_id, one.reason) for one in await deliveries.ended()] == [
        (lost, Reason.EVENT_LOST)
    ]
    assert deliveries.receivers.event_ids() == [kept]


async def test_while_the_broker_is_away_nothing_starts_and_no_outcome_is_lost(
    deliveries: Deliveries,
):
    await deliveries.has()
    deliveries.receivers.answers["shop"] = answer(200, after_s=0.3)
    ids = await deliveries.fire(count=30)
    await deliveries.start(1)
    await eventually(lambda: deliveries.receivers.sent, within=15)
    await deliveries.broker.stop()
    try:
        sent = len(deliveries.receivers.sent)
        await eventually(lambda: not deliveries.receivers.flying["shop"], within=15)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.5):
                await asyncio.Event().wait()
        assert len(deliveries.receivers.sent) == sent
    finally:
        await deliveries.broker.start()
    await deliveries.all_done(within=30)
    assert sorted(deliveries.receivers.event_ids()) == sorted(ids)


async def test_while_the_database_is_away_nothing_starts_and_then_all_of_it_arrives(
    deliveries: Deliveries,
):
    await deliveries.has()
    deliveries.receivers.answers["shop"] = answer(200, after_s=0.3)
    ids = await deliveries.fire(count=30)
    await deliveries.start(1)
    await eventually(lambda: deliveries.receivers.sent, within=15)
    await deliveries.database.server.stop()
    try:
        await eventually(lambda: not deliveries.receivers.flying["shop"], within=15)
        sent = len(deliveries.receivers.sent)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.5):
                await asyncio.Event().wait()
        assert len(deliveries.receivers.sent) == sent
    finally:
        await deliveries.database.server.start()
    await deliveries.all_done(within=30)
    assert sorted(deliveries.receivers.event_ids()) == sorted(ids)


async def test_idle_it_gives_its_lanes_back_and_stops_in_under_a_second(deliveries: Deliveries):
    await deliveries.has()
    await deliveries.start(1)
    await deliveries.fire()
    await deliveries.all_done()
    began = time.monotonic()
    await deliveries.replicas[0].lanes.stop()
    assert time.monotonic() - began < 1.0
    assert (await deliveries.lane())["owner"] is None


async def test_told_to_stop_it_ends_what_is_in_flight_and_starts_nothing(deliveries: Deliveries):
    await deliveries.has()
    deliveries.receivers.answers["shop"] = answer(200, after_s=1.0)
    await deliveries.fire(count=20)
    await deliveries.start(1)
    await eventually(lambda: deliveries.receivers.sent, within=15)
    sent = len(deliveries.receivers.sent)
    await deliveries.stop()
    assert len(deliveries.receivers.sent) == sent == len(await deliveries.attempted())
