"""How late the event loop is, is told while it lasts and for a while afterwards."""

import asyncio
import time

from prometheus_client import REGISTRY

from tests.support.eventually import eventually
from trigger_runtime.process import loop_lag
from trigger_runtime.process.loop_lag import EventLoopLag

BLOCKED_S = 0.6


def told() -> float:
    found = REGISTRY.get_sample_value("etp_event_loop_lag_seconds")
    assert found is not None
    return found


def block() -> None:
    """What nothing in a service may do: keep the loop to itself."""
    begun = time.monotonic()
    while time.monotonic() - begun < BLOCKED_S:
        pass


async def test_what_blocks_the_loop_is_seen_while_it_lasts_and_remembered() -> None:
    watch = EventLoopLag()
    watch.start()
    try:
        assert told() < BLOCKED_S / 2
        block()
        assert told() >= BLOCKED_S - loop_lag.TICK_S
        await eventually(lambda: watch.seconds() >= BLOCKED_S - loop_lag.TICK_S)
        before = told()
        await asyncio.sleep(0)
        assert told() >= before > 0
    finally:
        watch.stop()


async def test_the_worst_is_forgotten_after_a_while(monkeypatch) -> None:
    monkeypatch.setattr(loop_lag, "REMEMBERED_S", 0.3)
    monkeypatch.setattr(loop_lag, "TICK_S", 0.05)
    watch = EventLoopLag()
    watch.start()
    try:
        block()
        assert watch.seconds() > BLOCKED_S / 2
        await eventually(lambda: watch.seconds() < BLOCKED_S / 2)
    finally:
        watch.stop()
