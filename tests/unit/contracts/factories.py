"""Triggers, commands and moments for tests of the contracts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from trigger_contracts.commands import CreateTrigger, TestTrigger, UpdateTrigger
from trigger_contracts.errors import Code, Refused
from trigger_contracts.events import TriggerChanged
from trigger_contracts.trigger import Changed, Moment, StateCommand, Trigger, decide

NOON = datetime(2027, 1, 26, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)

SCHEMA = {"type": "object", "properties": {"amount": {"type": "integer"}}}


def naive(year: int) -> datetime:
    """The beginning of a year, without a zone: the form in which hypothesis takes bounds."""
    return datetime(year, 1, 1)  # noqa: DTZ001


def instants(first_year: int, last_year: int) -> st.SearchStrategy[datetime]:
    return st.datetimes(naive(first_year), naive(last_year), timezones=st.just(UTC))


def fields(**given: Any) -> dict[str, Any]:
    """A scheduled definition's fields; without a schedule of its own, one at NOON + 1 h."""
    schedule = {"schedule_time", "interval", "cron"} & given.keys()
    one_time = {} if schedule else {"schedule_time": "2027-01-26T13:00:00Z"}
    return {"name": "Tea", "type": "scheduled", **one_time, **given}


def api_fields(**given: Any) -> dict[str, Any]:
    return {"name": "Order", "type": "api", **given}


def created(
    definition: dict[str, Any] | None = None, *, trigger_id: str = "t1", at: datetime = NOON
) -> Trigger:
    """A trigger as its creation left it."""
    command = CreateTrigger.model_validate(definition or fields())
    return Trigger(change(decide_on(command, None, at, trigger_id=trigger_id, command_id="c1")), 1)


def decide_on(
    command: StateCommand,
    state: Trigger | None,
    at: datetime = NOON,
    *,
    cursor: datetime | None = None,
    now: datetime | None = None,
    trigger_id: str = "t1",
    command_id: str = "c2",
) -> Any:
    moment = Moment(accepted_at=at, now=now or at, cursor=cursor)
    return decide(command, state, moment, trigger_id=trigger_id, command_id=command_id)


def change(decision: Any) -> TriggerChanged:
    assert isinstance(decision, Changed), decision
    return decision.change


def patched(state: Trigger, at: datetime = NOON, **patch: Any) -> Any:
    """What an edit of ``state`` leads to; ``cursor`` and ``now`` are the moment's."""
    options = {key: patch.pop(key) for key in ("cursor", "now") if key in patch}
    command = UpdateTrigger(trigger_id="t1", patch=patch)
    return decide_on(command, state, at, **options)


def after(state: Trigger, decision: Any) -> Trigger:
    return Trigger(change(decision), state.change_seq + 1)


def make_test(**given: Any) -> TestTrigger:
    return TestTrigger.model_validate(given)


def refusal_of(error: Refused) -> tuple[Code, list[str]]:
    """The code and the pointers of a refusal."""
    return error.problem.code, [one.pointer for one in error.problem.errors]
