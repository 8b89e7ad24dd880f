"""Settings read durations as people write them, and never show a secret."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from trigger_runtime.process.settings import Duration, EnvironmentSettings, NatsSettings


class Sample(EnvironmentSettings):
    wait: Duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("2m", 120),
        ("1h30m", 5400),
        ("48h", 172_800),
        ("250ms", 0.25),
        ("7d", 604_800),
        ("1.5", 1.5),
        ("90", 90),
        ("PT2H", 7200),
    ],
)
def test_durations(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv("ETP_WAIT", text)
    assert Sample().wait == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "2 fortnights", "-5s", "0", "5x"])
def test_what_is_no_positive_duration_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("ETP_WAIT", text)
    with pytest.raises(ValidationError):
        Sample()


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETP_NATS_PASSWORD", "hunter2")
    assert "hunter2" not in repr(NatsSettings())


def test_every_field_is_described() -> None:
    assert all(field.description for field in NatsSettings.model_fields.values())
