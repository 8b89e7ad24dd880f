"""How long answers may wait for their readers: quick, slow, none, and many of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from trigger_runtime.http.unread import (
    LEAST_RATE,
    MAX_UNREAD_BYTES,
    UNREAD_BYTES,
    UNREAD_S,
    Unread,
    too_many,
)

MIB = 1024 * 1024
LOOK_S = 0.25


def cut_at(takes: Callable[[float], float], written: float, *, at: float = 1000.0) -> float | None:
    """After how many seconds a reader is cut that has taken ``takes(seconds)`` bytes by then; None
    where it comes to the end.
    """
    unread = Unread()
    unread.look(0, at)
    unread.wrote(int(written))
    after = 0.0
    while (left := int(written - takes(after))) > 0:
        unread.look(left, at + after)
        if unread.is_overdue(at + after):
            return after
        after += LOOK_S
    return None


@pytest.mark.parametrize("size", [1, 1000, UNREAD_BYTES, MIB, 30 * MIB])
def test_whoever_takes_nothing_is_cut_after_the_time_of_nothing(size: int) -> None:
    after = cut_at(lambda _: 0, size)
    assert after is not None
    assert UNREAD_S < after <= UNREAD_S + 2 * LOOK_S


@pytest.mark.parametrize("size", [1000, MIB, 30 * MIB])
@pytest.mark.parametrize("rate", [LEAST_RATE, 2 * LEAST_RATE, 1000 * LEAST_RATE])
def test_whoever_takes_it_at_the_least_rate_or_quicker_is_given_all(size: int, rate: int) -> None:
    assert cut_at(lambda after: rate * after, size) is None
    # Also where it stood still for a while.
    assert cut_at(lambda after: rate * max(0.0, after - 9), size) is None


@pytest.mark.parametrize("rate", [3300, 16 * 1024, LEAST_RATE / 2])
def test_a_trickle_is_cut_when_all_of_it_should_have_been_taken(rate: float) -> None:
    size = 8 * MIB
    after = cut_at(lambda after: rate * after, size)
    assert after is not None
    assert after <= UNREAD_S + size / LEAST_RATE + 2 * LOOK_S


def test_a_first_part_taken_quickly_gives_no_time_for_the_rest() -> None:
    size = 30 * MIB
    after = cut_at(lambda after: min(size - MIB, 1000 * MIB * after) + 4000 * after, size)
    assert after is not None
    assert after <= UNREAD_S + MIB / LEAST_RATE + 2 * LOOK_S


@pytest.mark.parametrize(("share", "is_cut"), [(1.0, False), (20.0, False), (0.5, True)])
def test_answers_one_after_the_other_are_taken_at_the_least_rate(
    share: float, *, is_cut: bool
) -> None:
    """As much is written as is taken: the connection is never seen without what waits."""
    unread = Unread()
    now = 5.0
    unread.look(0, now)
    unread.wrote(MIB)
    was_cut = False
    for _ in range(4000):
        unread.look(MIB, now)
        was_cut = was_cut or unread.is_overdue(now)
        unread.wrote(int(LEAST_RATE * LOOK_S * share))
        now += LOOK_S
    assert was_cut is is_cut


@dataclass
class Connection:
    name: str
    unread: Unread = field(default_factory=Unread)


def waiting(name: str, size: int, since: float, now: float) -> Connection:
    one = Connection(name)
    one.unread.wrote(size)
    one.unread.look(size, since)
    one.unread.look(size, now)
    return one


def test_those_that_have_not_been_done_for_the_longest_make_room_for_the_others() -> None:
    now = 50.0
    share = MAX_UNREAD_BYTES // 4
    readers = [waiting(str(n), share, now - n, now) for n in (1, 6, 3, 5, 2, 4)]
    readers.append(waiting("quick", 0, now - 9, now))
    assert [one.name for one in too_many(readers, now)] == ["6", "5"]
    assert too_many(readers[:4], now) == []


def test_whoever_has_just_been_answered_is_not_cut_for_others() -> None:
    now = 50.0
    readers = [waiting("young", MAX_UNREAD_BYTES, now, now), waiting("old", MIB, now - 1, now)]
    assert [one.name for one in too_many(readers, now)] == ["old"]
