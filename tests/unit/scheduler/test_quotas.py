"""Quotas refuse what adds to a use that is at its end, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.scheduler.factories import NOON
from trigger_contracts.commands import CreateTrigger
from trigger_contracts.errors import Code
from trigger_contracts.events import Status, TriggerChanged
from trigger_contracts.schedule import fires_a_day
from trigger_contracts.trigger import Changed, Moment, decide
from trigger_scheduler.domain.quotas import NATS, Quotas, Usage, creator_of, load_of

DAY = 86_400


def version(actor: str = "key:k", **fields: Any) -> TriggerChanged:
    """A created trigger; an API trigger unless fields say otherwise."""
    given = {"name": "x", "type": "scheduled" if fields else "api", **fields}
    command = CreateTrigger(actor=actor, **given)
    decision = decide(command, None, Moment(NOON, NOON), trigger_id="t", command_id="c")
    assert isinstance(decision, Changed), decision
    return decision.change


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"interval": 1}, DAY),
        ({"interval": 7}, 12_343),
        ({"interval": "P10D"}, 1),
        ({"cron": "* * * * * *"}, DAY),
        ({"cron": "* * * * *"}, 1440),
        ({"cron": "*/15 8-17 * * MON-FRI"}, 40),
        ({"cron": "0,30 0 3 1 1 *"}, 2),
        ({"schedule_time": "2027-02-01T00:00:00Z"}, 0),
        ({"interval": 1, "max_fires": 3, "jitter": 10}, DAY),
    ],
    ids=str,
)
def test_a_schedule_costs_what_it_fires_on_a_day_on_which_it_does(
    fields: dict[str, Any], expected: int
) -> None:
    change = version(**fields)
    assert change.schedule is not None
    assert fires_a_day(change.schedule) == expected
    assert load_of(change).fires_a_day == expected


def test_what_is_over_or_a_test_costs_nothing() -> None:
    change = version(interval=1)
    for update in ({"status": Status.COMPLETED}, {"status": Status.DELETED}, {"is_test": True}):
        assert load_of(change.model_copy(update=update)) == load_of(None)


def test_all_who_publish_over_nats_are_one_creator_whatever_they_write() -> None:
    assert {creator_of(version(actor)) for actor in ("nats", "me", "Key:k", "")} == {NATS}
    assert creator_of(version("key:k")) == "key:k"
    assert creator_of(version().model_copy(update={"created_by": None})) == NATS


def test_one_creator_at_its_end_hinders_no_other() -> None:
    usage = Usage(Quotas(2, 100), {"key:full": 1}, 0)
    assert usage.admit(None, version("key:full")) is None
    refused = usage.admit(None, version("key:full"))
    assert refused is not None
    assert refused.code is Code.QUOTA_EXCEEDED
    assert refused.status == 409
    assert "ETP_MAX_TRIGGERS" in refused.detail
    assert usage.admit(None, version("key:other")) is None


def test_schedules_share_one_budget_and_the_refusal_points_at_what_asks_for_too_much() -> None:
    usage = Usage(Quotas(100, 2), {}, 0)
    assert usage.admit(None, version(interval=1)) is None
    assert usage.admit(None, version("key:other", cron="* * * * * *")) is None
    for field in ({"interval": 60}, {"cron": "0 0 * * *"}):
        refused = usage.admit(None, version(**field))
        assert refused is not None
        assert [error.pointer for error in refused.errors] == [f"/{next(iter(field))}"]
        assert "ETP_MAX_FIRES_PER_SECOND" in refused.detail
    assert usage.admit(None, version()) is None
    assert usage.admit(None, version(schedule_time="2027-02-01T00:00:00Z")) is None


def test_an_edit_that_adds_nothing_passes_at_the_end_and_one_that_takes_away_makes_room() -> None:
    usage = Usage(Quotas(1, 1), {"key:k": 9}, 2 * DAY)
    fast = version(interval=1)
    assert usage.admit(fast, fast.model_copy(update={"version": 2})) is None
    assert usage.admit(fast, version(interval=2)) is None
    assert usage.admit(version(interval=2), fast) is not None
    assert usage.admit(fast, fast.model_copy(update={"status": Status.DELETED})) is None
    # Armed anew, a completed trigger counts again.
    done = fast.model_copy(update={"status": Status.COMPLETED})
    assert usage.admit(done, fast) is not None


@given(st.lists(st.tuples(st.sampled_from(["key:a", "key:b"]), st.integers(1, 5)), max_size=30))
def test_what_is_admitted_never_exceeds_a_quota(asked: list[tuple[str, int]]) -> None:
    quotas = Quotas(4, 2)
    usage = Usage(quotas, {}, 0)
    admitted = [
        (actor, load_of(change))
        for actor, seconds in asked
        if usage.admit(None, change := version(actor, interval=seconds)) is None
    ]
    assert sum(load.fires_a_day for _, load in admitted) <= quotas.max_fires_per_second * DAY
    for creator in ("key:a", "key:b"):
        assert sum(actor == creator for actor, _ in admitted) <= quotas.max_triggers
