"""What the supervisor decides: when it gives up, when it looks, and what it has said already."""

import pytest

from trigger_local.errors import ExitedEarlyError, NotReadyError
from trigger_local.policy import EARLY_STARTS, LOOK_EVERY, LastSaid, LookTimes, Start


def start(*, starts: int = 1, last_exit: int | None = None, trouble: str | None = None) -> Start:
    return Start("api", starts, last_exit, trouble, "/logs/api.log")


def test_a_start_is_waited_for_until_its_time_is_over() -> None:
    assert start().failure(now=60.0, deadline=60.0, timeout_s=60.0) is None
    failure = start().failure(now=60.1, deadline=60.0, timeout_s=60.0)
    assert isinstance(failure, NotReadyError)
    assert str(failure) == "api was not ready after 60 s: its log is /logs/api.log"


def test_what_is_known_to_be_wrong_is_said_instead_of_the_log() -> None:
    failure = start(trouble="the disk is full").failure(now=61.0, deadline=60.0, timeout_s=60.0)
    assert str(failure) == "api was not ready after 60 s: the disk is full"


def test_a_program_that_keeps_dying_is_given_up_before_its_time_is_over() -> None:
    few = start(starts=EARLY_STARTS, last_exit=3)
    assert few.failure(now=1.0, deadline=60.0, timeout_s=60.0) is None
    many = start(starts=EARLY_STARTS + 1, last_exit=3)
    failure = many.failure(now=1.0, deadline=60.0, timeout_s=60.0)
    assert isinstance(failure, ExitedEarlyError)
    assert "exit code 3" in str(failure)
    # Not one that could not be started at all, for which a reason is known.
    never = start(starts=EARLY_STARTS + 1)
    assert never.failure(now=1.0, deadline=60.0, timeout_s=60.0) is None


def test_streams_are_looked_at_now_and_then_once_all_is_there() -> None:
    looks = LookTimes(0.0, starts=2)
    assert not looks.is_due(100.0, 2, complete=False)
    assert looks.is_due(100.0, 2, complete=True)
    looks.looked(100.0, 2, answered=True)
    assert not looks.is_due(100.0 + LOOK_EVERY, 2, complete=True)
    assert looks.is_due(100.1 + LOOK_EVERY, 2, complete=True)


def test_servers_started_again_are_looked_at_soon_until_they_answer() -> None:
    looks = LookTimes(0.0, starts=0)
    assert not looks.is_due(1.0, 2, complete=False)
    assert not looks.is_due(2.0, 2, complete=True)
    assert looks.is_due(3.0, 3, complete=True)
    looks.looked(3.5, 3, answered=False)
    assert looks.is_due(4.0, 3, complete=True)
    looks.looked(4.5, 3, answered=True)
    assert not looks.is_due(5.0, 3, complete=True)


@pytest.mark.parametrize("nothing", [None, ""])
def test_the_same_is_said_once_until_something_else_was(nothing: str | None) -> None:
    said: LastSaid[str | None] = LastSaid(nothing)
    assert not said.is_new(nothing)
    assert said.is_new("gone")
    assert not said.is_new("gone")
    assert said.is_new(nothing)
    assert said.is_new("gone")
