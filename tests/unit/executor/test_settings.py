"""What the executor's settings for deliveries may be."""

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from trigger_executor.domain.delivery.retrying import DEFAULT_DELAYS
from trigger_executor.settings import Settings


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name in ("ETP_RETRY_SCHEDULE", "ETP_RESPONSE_EXCERPT"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_delays_are_the_promised_ones_unless_others_are_given(
    alone: pytest.MonkeyPatch,
) -> None:
    assert Settings().retry_delays() == DEFAULT_DELAYS
    alone.setenv("ETP_RETRY_SCHEDULE", "1s, 90, 1h30m,")
    told = [delay.total_seconds() for delay in Settings().retry_delays()]
    assert told == [1, 90, 5400]


@pytest.mark.parametrize(
    "text", ["", ",", "soon", "0s", "500ms", "25h", "20h,20h", ",".join(["1s"] * 21)]
)
def test_a_schedule_that_targets_may_not_have_is_refused(
    alone: pytest.MonkeyPatch, text: str
) -> None:
    alone.setenv("ETP_RETRY_SCHEDULE", text)
    with pytest.raises(ValidationError, match="retry_schedule"):
        Settings()


@pytest.mark.parametrize("size", ["-1", "16385", "2KiB"])
def test_an_excerpt_is_at_most_what_is_read(alone: pytest.MonkeyPatch, size: str) -> None:
    alone.setenv("ETP_RESPONSE_EXCERPT", size)
    with pytest.raises(ValidationError, match="response_excerpt"):
        Settings()
