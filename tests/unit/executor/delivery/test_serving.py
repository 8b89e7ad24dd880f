"""The deliver role's loops: what they start, when, and what becomes of it, over any replicas."""

import asyncio
import itertools
from datetime import timedelta

from tests.support.virtual_time import run_virtually
from trigger_contracts.deliveries.outcomes import Final, Reason
from trigger_executor.domain.delivery.attempt import Cause, NotAttempted
from trigger_executor.domain.delivery.breaker import CLOSED

from .world import World, a_target, answer, deleted, hanging, ok


def test_what_is_due_is_delivered_once_and_recorded():
    async def work():
        world = World()
        world.has(a_target())
        ids = world.fired(count=50)
        await world.start()
        await world.until(lambda: not world.pending, within=2)
        await world.stop()
        assert sorted(one.event_id for _, one in world.sent) == sorted(ids)
        assert {one.final for one in world.records} == {Final.DELIVERED}
        assert {one.attempt for one in world.records} == {1}
        assert world.lanes["shop"].owner is None

    run_virtually(work())


def test_over_two_replicas_there_are_never_more_at_once_than_a_target_takes():
    async def work():
        world = World()
        for place in range(6):
            world.has(a_target(f"t{place}", concurrency=3))
            world.fired(f"t{place}", count=60)
        await world.start(2)
        await world.until(lambda: not world.pending, within=20)
        owners = [len(replica.hands.lanes) for replica in world.replicas]
        await world.stop()
        assert len(world.sent) == 360
        assert sum(owners) == 6
        assert set(world.most_flying.values()) == {3}

    run_virtually(work())


def test_a_rate_is_kept_exactly_and_used_over_a_handover():
    async def work():
        world = World()
        world.has(a_target(rate={"count": 5, "per": "1s"}))
        world.fired(count=60)
        await world.start(1)
        await asyncio.sleep(3.3)
        await world.replicas[0].role.stop()
        await world.start(1)
        took = await world.until(lambda: not world.pending, within=30)
        await world.stop()
        times = [at for at, _ in world.sent]
        assert all(later - at >= 1.0 for at, later in zip(times, times[5:], strict=False))
        assert 60 / 5 - 2 <= took + 3.3 <= 60 / 5 + 2

    run_virtually(work())


def test_a_rate_is_not_exceeded_by_the_successor_of_one_that_was_killed():
    async def work():
        world = World()
        world.has(a_target(rate={"count": 5, "per": "1m"}))
        world.fired(count=20)
        await world.start(2)
        await world.until(lambda: len(world.sent) == 5, within=5)
        await owner_of(world, "shop").kill()
        await asyncio.sleep(130)
        times = [at for at, _ in world.sent]
        await world.stop()
        assert 10 <= len(times) <= 15
        assert all(later - at >= 60.0 for at, later in zip(times, times[5:], strict=False))

    run_virtually(work())


def owner_of(world, target_id):
    return next(replica for replica in world.replicas if target_id in replica.hands.lanes)


def test_the_lanes_of_a_killed_replica_pass_on_within_six_seconds():
    async def work():
        world = World()
        world.has(a_target())
        world.answers["shop"] = hanging(20.0)
        (first,) = world.fired()
        await world.start(2)
        await world.until(lambda: world.sent, within=2)
        await owner_of(world, "shop").kill()
        world.answers["shop"] = ok
        took = await world.until(lambda: not world.pending, within=10)
        await world.stop()
        assert took <= 6.0
        # The same attempt again, under its number, by the next epoch.
        assert [one.number for _, one in world.sent] == [1, 1]
        (record,) = world.attempts_of(first)
        assert (record.attempt, record.epoch) == (1, 2)

    run_virtually(work())


def test_what_was_delivered_before_a_kill_is_not_delivered_again():
    async def work():
        world = World(lag=1.0)
        world.has(a_target())
        world.fired(count=8)
        await world.start(2)
        await world.until(lambda: len(world.records) == 8, within=3)
        await owner_of(world, "shop").kill()
        await asyncio.sleep(10)
        await world.stop()
        assert len(world.sent) == 8

    run_virtually(work())


def test_what_failed_is_tried_again_no_earlier_than_promised():
    async def work():
        world = World()
        world.has(a_target())
        world.answers["shop"] = answer(400)
        (event_id,) = world.fired()
        await world.start()
        await world.until(lambda: len(world.sent) == 4, within=200)
        await world.stop()
        times = [at for at, _ in world.sent]
        gaps = [later - at for at, later in itertools.pairwise(times)]
        for gap, promised in zip(gaps, (5, 30, 120), strict=True):
            assert promised <= gap <= promised * 1.2 + 1
        assert [one.attempt for one in world.attempts_of(event_id)] == [1, 2, 3, 4]

    run_virtually(work())


def test_an_exhausted_schedule_ends_dead():
    async def work():
        world = World()
        world.has(a_target(retry=[1, 1]))
        world.answers["shop"] = answer(500)
        (event_id,) = world.fired()
        await world.start()
        await world.until(lambda: not world.pending, within=10)
        await world.stop()
        assert [one.final for one in world.attempts_of(event_id)] == [None, None, Final.DEAD]
        assert world.attempts_of(event_id)[-1].reason is Reason.EXHAUSTED

    run_virtually(work())


def test_five_failures_open_the_breaker_and_what_waits_uses_up_no_attempt():
    async def work():
        world = World()
        world.has(a_target())
        world.answers["shop"] = answer(500)
        world.fired(count=100)
        await world.start()
        await asyncio.sleep(9.0)
        assert len(world.sent) <= 7
        await asyncio.sleep(60.0)
        after = [at for at, _ in world.sent if at > 1009.0]
        await world.stop()
        # One after 10 to 12 s, the next after 20 to 24 more: each a single one.
        assert len(after) == 2
        assert 20 <= after[1] - after[0] <= 25

    run_virtually(work())


def test_the_attempt_of_a_half_open_breaker_is_that_with_the_fewest_attempts():
    async def work():
        world = World()
        world.has(a_target())
        # One of them is due for longest when the breaker opens, before the other one.
        poisonous = set(world.fired(count=6, attempts=3))
        await asyncio.sleep(0.01)
        (other,) = world.fired()

        async def picky(attempt):
            return await (answer(500) if attempt.event_id in poisonous else ok)(attempt)

        world.answers["shop"] = picky
        await world.start()
        await world.until(lambda: len(world.sent) == 6, within=20)
        await world.stop()
        assert world.sent[5][1].event_id == other
        assert world.lanes["shop"].record.breaker == CLOSED

    run_virtually(work())


def test_an_open_breaker_survives_a_restart():
    async def work():
        world = World()
        world.has(a_target())
        world.answers["shop"] = answer(500)
        world.fired(count=20)
        await world.start()
        await asyncio.sleep(1.0)
        await world.stop()
        sent = len(world.sent)
        await world.start()
        await asyncio.sleep(7.0)
        assert len(world.sent) == sent
        await world.until(lambda: len(world.sent) == sent + 1, within=6)
        await world.stop()

    run_virtually(work())


def test_an_endpoint_that_returns_is_found_and_everything_waiting_arrives():
    async def work():
        world = World()
        world.has(a_target(concurrency=4))
        world.answers["shop"] = hanging(5.0)
        world.fired(count=1500)
        await world.start(2)
        await asyncio.sleep(900)
        world.answers["shop"] = ok
        found = await world.until(lambda: len(world.pending) < 1500, within=400)
        await world.until(lambda: not world.pending, within=120)
        await world.stop()
        assert found <= 365
        assert world.most_flying["shop"] <= 4

    run_virtually(work())


def test_retry_after_pauses_the_whole_lane():
    async def work():
        world = World()
        world.has(a_target(concurrency=1))
        world.answers["shop"] = answer(429, retry_after_s=90)
        world.fired(count=3)
        await world.start()
        await world.until(lambda: world.sent, within=2)
        world.answers["shop"] = ok
        await world.until(lambda: not world.pending, within=200)
        await world.stop()
        assert all(at - world.sent[0][0] >= 90 for at, _ in world.sent[1:])

    run_virtually(work())


def test_ordered_events_of_a_trigger_arrive_one_after_another_and_others_do_not_wait():
    async def work():
        world = World(lag=0.05)
        world.has(a_target(ordered=True))
        first = world.fired(trigger_id="slow", count=4)
        other = world.fired(trigger_id="quick", count=3)
        fails = {first[1]: 1}

        async def once(attempt):
            left = fails.get(attempt.event_id, 0)
            fails[attempt.event_id] = left - 1
            return await (answer(400) if left > 0 else ok)(attempt)

        world.answers["shop"] = once
        await world.start(2)
        await world.until(lambda: not world.pending, within=20)
        await world.stop()
        order = [one.event_id for _, one in world.sent]
        assert [one for one in order if one in first] == [
            first[0],
            first[1],
            first[1],
            first[2],
            first[3],
        ]
        assert [one for one in order if one in other] == other
        done = {one: at for at, attempt in world.sent for one in [attempt.event_id]}
        assert done[other[-1]] < done[first[2]]

    run_virtually(work())


def test_of_an_ordered_trigger_no_two_are_in_flight_and_the_next_waits_for_a_final_state():
    async def work():
        world = World()
        world.has(a_target(ordered=True, concurrency=10, retry=[1]))
        world.answers["shop"] = answer(500, after_s=0.2)
        ids = world.fired(count=3)
        await world.start()
        await world.until(lambda: not world.pending, within=60)
        await world.stop()
        assert world.most_flying["shop"] == 1
        assert [one.event_id for _, one in world.sent] == [
            one for event_id in ids for one in (event_id, event_id)
        ]

    run_virtually(work())


def test_an_ordered_event_waits_for_the_plan_of_one_that_was_stored_before_it():
    async def work():
        world = World()
        world.has(a_target(ordered=True))
        await world.start()
        world.fired()
        await world.until(lambda: not world.pending, within=3)
        # A replica of the record role died between an event and its plan.
        earlier = world.logged()
        world.handed_out, world.acknowledged = 7, 6
        (later,) = world.fired()
        await asyncio.sleep(1.5)
        assert len(world.sent) == 1
        world.planned("shop", "order", *earlier)
        world.acknowledged = 7
        await world.until(lambda: not world.pending, within=3)
        await world.stop()
        assert [one.event_id for _, one in world.sent][1:] == [earlier[1], later]

    run_virtually(work())


def test_what_the_record_role_cannot_handle_does_not_stop_ordered_lanes():
    async def work():
        world = World()
        world.has(a_target(ordered=True))
        world.handed_out = 7
        world.fired()
        await world.start()
        took = await world.until(lambda: not world.pending, within=10)
        await world.stop()
        assert 4 <= took <= 7

    run_virtually(work())


def test_a_deleted_target_gets_nothing_a_second_later_and_what_waits_ends_dead():
    async def work():
        world = World()
        target = a_target(concurrency=1)
        world.has(target)
        world.answers["shop"] = answer(200, after_s=0.3)
        ids = world.fired(count=40)
        await world.start(2)
        await world.until(lambda: len(world.sent) >= 3, within=5)
        world.targets.append(deleted(target))  # whose hint is lost
        at = world.seconds
        await world.until(lambda: not world.pending, within=5)
        await world.stop()
        assert max(began for began, _ in world.sent) - at <= 1.0
        sent = {one.event_id for _, one in world.sent}
        assert {one.reason for one in world.ended()} == {Reason.TARGET_DELETED}
        assert sorted([*sent, *(one.event_id for one in world.ended())]) == sorted(ids)

    run_virtually(work())


def test_nothing_of_what_was_cancelled_begins_a_second_later():
    """Also of what a lane had read before, and had no place for."""

    async def work():
        world = World()
        world.has(a_target(concurrency=3))
        takes = itertools.cycle([answer(200, after_s=2), answer(200, after_s=3.5)])

        async def answers(attempt):
            return await next(takes)(attempt)

        world.answers["shop"] = answers
        world.fired(count=40)
        await world.start()
        lanes = world.replicas[0].hands.lanes
        # There is one more than it has a place for.
        await world.until(lambda: len(lanes) == 1 and lanes["shop"].ready, within=5)
        world.cancelled()
        at, before = world.seconds, len(world.sent)
        await asyncio.sleep(5)
        (another,) = world.fired()
        await world.until(lambda: not world.pending, within=5)
        await world.stop()
        *cancelled, last = world.sent[before:]
        assert all(began - at <= 1.0 for began, _ in cancelled)
        assert last[1].event_id == another

    run_virtually(work())


def test_what_waits_for_hours_ends_at_once_when_its_target_is_deleted():
    async def work():
        world = World()
        target = a_target()
        world.has(target)
        world.fired(count=3, at=world.now + timedelta(hours=5))
        await world.start()
        await asyncio.sleep(5)
        assert not world.replicas[0].hands.lanes
        world.has(deleted(target))
        took = await world.until(lambda: not world.pending, within=5)
        await world.stop()
        assert took <= 3.0
        assert not world.sent

    run_virtually(work())


def test_a_target_that_was_deleted_while_nobody_was_there_is_found_at_the_start():
    async def work():
        world = World()
        target = a_target()
        world.has(target)
        world.has(deleted(target))
        world.fired(count=3, at=world.now + timedelta(hours=5))
        await world.start()
        await world.until(lambda: not world.pending, within=5)
        await world.stop()
        assert len(world.ended()) == 3

    run_virtually(work())


def test_a_target_that_nobody_knows_counts_as_deleted():
    async def work():
        world = World()
        world.fired("erased")
        await world.start()
        await world.until(lambda: not world.pending, within=5)
        await world.stop()
        assert [one.reason for one in world.ended()] == [Reason.TARGET_DELETED]

    run_virtually(work())


def test_a_target_that_is_written_out_in_a_test_is_found_there():
    async def work():
        world = World()
        world.in_tests[7] = a_target("written-out")
        world.fired("written-out", change_seq=7)
        await world.start()
        await world.until(lambda: not world.pending, within=5)
        await world.stop()
        assert len(world.sent_to("written-out")) == 1

    run_virtually(work())


def test_an_edit_counts_from_the_next_attempt_and_half_opens_the_breaker():
    async def work():
        world = World()
        world.has(a_target())
        world.answers["shop"] = answer(500)
        world.fired(count=10)
        await world.start()
        await asyncio.sleep(1.5)
        sent = len(world.sent)
        world.answers["shop"] = ok
        world.targets.append(a_target(version=2, url="https://mended.example/"))
        took = await world.until(lambda: len(world.sent) > sent, within=5)
        await world.until(lambda: not world.pending, within=10)
        await world.stop()
        assert took <= 1.0
        assert world.sent[sent][1].definition.url == "https://mended.example/"

    run_virtually(work())


def test_an_edit_reaches_a_lane_that_nobody_has():
    async def work():
        world = World()
        world.has(a_target())
        world.answers["shop"] = answer(410, is_gone=True)
        world.fired(count=5)
        await world.start()
        await asyncio.sleep(10)
        assert not world.replicas[0].hands.lanes
        world.answers["shop"] = ok
        sent = len(world.sent)
        world.has(a_target(version=2))
        took = await world.until(lambda: len(world.sent) > sent, within=5)
        await world.stop()
        assert took <= 1.0

    run_virtually(work())


def test_a_good_test_half_opens_it_wherever_it_is():
    async def work():
        world = World()
        world.has(a_target())
        world.answers["shop"] = answer(500)
        world.fired(count=10)
        await world.start()
        await asyncio.sleep(1.5)
        sent = len(world.sent)
        world.lanes["shop"].is_asked = True
        took = await world.until(lambda: len(world.sent) > sent, within=5)
        await world.stop()
        assert took <= 2.0

    run_virtually(work())


def test_what_cannot_be_tried_in_time_ends_expired_behind_an_open_breaker():
    async def work():
        world = World(kept_for=timedelta(seconds=60))
        world.has(a_target())
        world.answers["shop"] = answer(410, is_gone=True)
        ids = world.fired(count=4)
        await world.start()
        await world.until(lambda: not world.pending, within=60)
        ended_at = world.seconds - 1000
        await world.stop()
        assert 57 <= ended_at <= 60
        tried = {one.event_id for _, one in world.sent}
        assert {one.event_id for one in world.ended()} >= set(ids) - tried
        assert {one.reason for one in world.ended()} <= {Reason.EXPIRED}

    run_virtually(work())


def test_nothing_starts_after_the_margin_before_the_end_of_its_event():
    async def work():
        world = World(kept_for=timedelta(seconds=100))
        world.has(a_target())
        world.fired(count=3)
        await asyncio.sleep(96)
        await world.start()
        await world.until(lambda: not world.pending, within=4)
        await world.stop()
        assert not world.sent
        assert [one.reason for one in world.ended()] == [Reason.EXPIRED] * 3

    run_virtually(work())


def test_an_event_that_is_gone_from_the_stream_ends_dead():
    async def work():
        world = World()
        world.has(a_target())
        lost, kept = world.fired(count=2)
        del world.bodies[1]
        await world.start()
        await world.until(lambda: not world.pending, within=5)
        await world.stop()
        assert [(one.event_id, one.reason) for one in world.ended()] == [(lost, Reason.EVENT_LOST)]
        assert [one.event_id for _, one in world.sent] == [kept]

    run_virtually(work())


def test_while_the_broker_is_away_an_outcome_is_kept_and_nothing_starts():
    async def work():
        world = World()
        world.has(a_target())
        world.answers["shop"] = answer(200, after_s=0.2)
        ids = world.fired(count=10)
        await world.start()
        await world.until(lambda: world.sent, within=2)
        world.broker_is_away = True
        sent = len(world.sent)
        await asyncio.sleep(8)
        assert len(world.sent) == sent
        assert not world.records
        world.broker_is_away = False
        await world.until(lambda: not world.pending, within=10)
        await world.stop()
        # What was in flight is not sent again: its outcome was kept.
        assert sorted(one.event_id for _, one in world.sent) == sorted(ids)

    run_virtually(work())


def test_what_the_database_forgot_in_a_crash_is_not_sent_again():
    async def work():
        world = World(lag=0.5)
        world.has(a_target())
        await world.start()
        world.fired(count=3)
        await asyncio.sleep(0.2)
        forgotten, position = dict(world.pending), world.position
        await world.until(lambda: not world.pending, within=3)
        world.fired(at=world.now + timedelta(seconds=1))
        await asyncio.sleep(0.1)
        # It comes back as of an earlier commit, and projects the rest again a second later.
        known, upto = dict(world.pending), world.position
        world.pending, world.position = forgotten | known, position
        for replica in world.replicas:
            replica.role.woken(["shop"])
        await asyncio.sleep(1.0)
        assert len(world.sent) == 3
        world.pending, world.position = known, upto
        await world.until(lambda: not world.pending, within=5)
        await world.stop()
        assert len(world.sent) == 4

    run_virtually(work())


def test_while_the_database_is_away_nothing_starts_and_then_all_of_it():
    async def work():
        world = World()
        world.has(a_target())
        world.answers["shop"] = answer(200, after_s=0.2)
        ids = world.fired(count=20)
        await world.start()
        await world.until(lambda: len(world.sent) > 4, within=2)
        world.database_is_away = True
        await asyncio.sleep(1.6)
        sent = len(world.sent)
        await asyncio.sleep(20)
        assert len(world.sent) == sent
        world.database_is_away = False
        await world.until(lambda: not world.pending, within=15)
        await world.stop()
        assert sorted(one.event_id for _, one in world.sent) == sorted(ids)

    run_virtually(work())


def test_a_replica_that_stood_still_starts_nothing_under_a_lease_that_is_over():
    async def work():
        world = World()
        world.has(a_target(concurrency=1))
        world.fired(count=1)
        await world.start(2)
        await world.until(lambda: not world.pending, within=2)
        await asyncio.sleep(0.1)
        still = owner_of(world, "shop")
        held = still.hands.lanes["shop"]
        asyncio.get_running_loop().seconds += 30
        assert not still.hands.is_ours(held)
        world.fired(count=1)
        await world.until(lambda: not world.pending, within=10)
        await world.stop()
        assert len(world.sent) == 2

    run_virtually(work())


def test_a_late_outcome_counts_with_its_epoch():
    async def work():
        world = World()
        world.has(a_target(retry=[60]))
        world.answers["shop"] = answer(200, after_s=12.0)
        (event_id,) = world.fired()
        await world.start(1)
        await world.until(lambda: world.sent, within=2)
        # It goes on with what it has in flight, and is not heard of by the index.
        await world.replicas[0].role.renewing.stop()
        world.answers["shop"] = answer(500, after_s=0.5)
        await world.start(1)
        await world.until(lambda: len(world.records) == 2, within=20)
        await world.until(lambda: not world.pending, within=20)
        await world.replicas[1].role.stop()
        found = [(one.attempt, one.epoch, one.final) for one in world.attempts_of(event_id)]
        assert found == [(1, 2, None), (1, 1, Final.DELIVERED)]

    run_virtually(work())


def test_something_of_ours_in_the_way_counts_as_no_attempt():
    async def work():
        world = World()
        world.has(a_target())
        told = [NotAttempted(Cause.NAME_SERVERS)] * 6

        async def hindered(attempt):
            return told.pop() if told else await ok(attempt)

        world.answers["shop"] = hindered
        (event_id,) = world.fired()
        await world.start()
        await world.until(lambda: not world.pending, within=60)
        await world.stop()
        assert [one.attempt for one in world.attempts_of(event_id)] == [1]
        assert len(world.sent) == 7
        assert world.sent[-1][0] - world.sent[0][0] > 5

    run_virtually(work())


def test_an_idle_lane_is_given_back_after_two_seconds():
    async def work():
        world = World()
        world.has(a_target())
        world.fired()
        await world.start()
        await world.until(lambda: not world.pending, within=2)
        took = await world.until(lambda: world.lanes["shop"].owner is None, within=5)
        await world.stop()
        assert 1.0 <= took <= 4.0
        assert world.lanes["shop"].wake_at is None

    run_virtually(work())


def test_told_to_stop_it_ends_what_is_in_flight_and_starts_nothing():
    async def work():
        world = World()
        world.has(a_target())
        world.answers["shop"] = answer(200, after_s=2.0)
        world.fired(count=20)
        await world.start()
        await world.until(lambda: world.sent, within=2)
        sent, began = len(world.sent), world.seconds
        await world.stop()
        assert len(world.sent) == sent == len(world.records)
        assert world.seconds - began <= 2.5
        assert world.lanes["shop"].owner is None

    run_virtually(work())


def test_idle_it_stops_at_once():
    async def work():
        world = World()
        world.has(a_target())
        world.fired()
        await world.start()
        await world.until(lambda: not world.pending, within=2)
        began = world.seconds
        await world.stop()
        assert world.seconds - began < 0.5

    run_virtually(work())


def test_healthy_targets_beside_a_crowd_that_hangs_wait_no_longer_than_alone():
    async def work():
        world = World()
        for place in range(60):
            world.has(a_target(f"dead{place}"))
            world.answers[f"dead{place}"] = hanging()
            world.fired(f"dead{place}", count=10)
        world.has(a_target("good"))
        world.fired("good")
        await world.start(1, total=40)
        await world.until(lambda: world.sent_to("good"), within=40)
        waits = []
        for _ in range(100):
            await asyncio.sleep(0.5)
            at, count = world.seconds, len(world.sent_to("good"))
            world.fired("good")
            await world.until(lambda: len(world.sent_to("good")) > count, within=20)  # noqa: B023
            waits.append(world.sent_to("good")[-1][0] - at)
        await world.stop()
        assert max(waits) <= 0.1

    run_virtually(work())
