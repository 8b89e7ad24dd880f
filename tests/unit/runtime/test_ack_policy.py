"""What is acknowledged, held in hand, given back or buried, and when: one place for all workers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest

from trigger_contracts import topology
from trigger_contracts.message_headers import UnreadableHeaders
from trigger_runtime.consuming import ack_policy
from trigger_runtime.consuming.ack_policy import ALWAYS, acknowledging
from trigger_runtime.consuming.delivery import Delivery
from trigger_runtime.process.errors import DatabaseUnavailable
from trigger_runtime.process.metrics import PASSED_OVER

TAKEN = replace(topology.EXECUTOR_DUES, filters=("trigger.fired.*",))

pytestmark = pytest.mark.usefixtures("quick")


@dataclass(eq=False)
class InHand:
    """A delivery that tells what became of it."""

    stream_seq: int
    delivered_count: int = 1
    subject: str = "trigger.fired.t"
    headers: Mapping[str, str] = field(default_factory=dict)
    became: list[str] = field(default_factory=list)
    heartbeats: int = 0

    async def ack(self) -> None:
        self.became.append("acknowledged")

    async def nak(self, delay: timedelta = timedelta()) -> None:
        assert delay
        self.became.append("given back")

    def heartbeat(self) -> None:
        self.heartbeats += 1


class Away:
    """A use case whose server is away for so many calls; then it fails for ``poison``."""

    def __init__(self, calls: int, poison: Sequence[int] = ()) -> None:
        self.calls = calls
        self.poison = poison
        self.seen: list[list[int]] = []

    async def __call__(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        self.seen.append([one.stream_seq for one in batch])
        if len(self.seen) <= self.calls:
            raise DatabaseUnavailable("away")
        if any(one.stream_seq in self.poison for one in batch):
            raise ValueError("poison")
        return ()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can wait for, and acknowledgements that need no broker."""

    async def ack_all(deliveries: Sequence[InHand]) -> None:
        for delivery in deliveries:
            await delivery.ack()

    monkeypatch.setattr(ack_policy, "FIRST_PAUSE", timedelta(milliseconds=1))
    monkeypatch.setattr(ack_policy, "LONGEST_HELD_PAUSE", timedelta(milliseconds=4))
    monkeypatch.setattr(ack_policy, "ack_all", ack_all)


async def never(_delivery: Delivery, reason: str) -> None:
    raise AssertionError(f"buried: {reason}")


def batch_of(count: int) -> tuple[list[InHand], list[Delivery]]:
    in_hand = [InHand(seq) for seq in range(1, count + 1)]
    return in_hand, cast("list[Delivery]", in_hand)


async def test_a_batch_is_given_back_at_once_while_a_server_is_away() -> None:
    in_hand, batch = batch_of(3)
    use_case = Away(1)
    await acknowledging(TAKEN, use_case, never)(batch)
    assert [one.became for one in in_hand] == [["given back"]] * 3
    assert len(use_case.seen) == 1


@pytest.mark.parametrize("held_for", [timedelta(seconds=30), ALWAYS])
async def test_a_batch_that_is_held_is_tried_until_the_server_is_there(
    held_for: timedelta,
) -> None:
    """Whole and in its order; whoever holds it says that it is alive."""
    in_hand, batch = batch_of(3)
    use_case = Away(5)
    await acknowledging(TAKEN, use_case, never, held_for=held_for)(batch)
    assert use_case.seen == [[1, 2, 3]] * 6
    assert [one.became for one in in_hand] == [["acknowledged"]] * 3
    assert [one.heartbeats for one in in_hand] == [5] * 3


async def test_a_batch_that_was_held_for_long_enough_is_given_back() -> None:
    in_hand, batch = batch_of(2)
    use_case = Away(10**9)
    settle = acknowledging(TAKEN, use_case, never, held_for=timedelta(milliseconds=50))
    async with asyncio.timeout(10):
        await settle(batch)
    assert [one.became for one in in_hand] == [["given back"]] * 2
    assert len(use_case.seen) > 1


async def test_what_fails_by_itself_is_not_held_and_takes_nobody_with_it() -> None:
    in_hand, batch = batch_of(5)
    await acknowledging(TAKEN, Away(2, poison=[4]), never, held_for=ALWAYS)(batch)
    became = ["acknowledged"] * 5
    became[3] = "given back"
    assert [one.became for one in in_hand] == [[one] for one in became]


@pytest.mark.parametrize("max_failures", [1, 3])
async def test_what_fails_as_often_as_its_consumer_says_is_buried(max_failures: int) -> None:
    in_hand, batch = batch_of(1)
    buried: list[str] = []

    async def dead_letter(_delivery: Delivery, reason: str) -> None:
        buried.append(reason)

    consumer = replace(TAKEN, max_failures=max_failures)
    settle = acknowledging(consumer, Away(0, poison=[1]), never, give_up=dead_letter)
    for _ in range(max_failures):
        assert not buried
        await settle(batch)
    assert buried == [f"failed {max_failures} times: ValueError: poison"]
    assert in_hand[0].became == ["given back"] * (max_failures - 1) + ["acknowledged"]


async def test_what_is_for_others_is_acknowledged_and_counted_whatever_it_is() -> None:
    """A new kind of event beside the known ones is no dead letter, nor a failure of its batch."""
    in_hand, batch = batch_of(4)
    in_hand[1].subject = "trigger.delivery.t"
    in_hand[2].subject = "trigger.fired"
    in_hand[2].headers = UnreadableHeaders({}, "odd")
    counted = PASSED_OVER.labels("TRIGGER_DUE/executor")
    before = counted._value.get()
    use_case = Away(0)
    await acknowledging(replace(TAKEN, passes_over=True), use_case, never)(batch)
    assert use_case.seen == [[1, 4]]
    assert [one.became for one in in_hand] == [["acknowledged"]] * 4
    assert counted._value.get() == before + 2
    await acknowledging(TAKEN, use_case, never)([batch[1]])
    assert use_case.seen[1:] == [[2]], "where the broker filters, nothing is looked at"
