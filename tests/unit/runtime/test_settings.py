"""Settings read durations as people write them, and never show a secret."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

import pytest
import structlog
from pydantic import Field, ValidationError

from tests.support.logging_kept import logging_kept
from trigger_runtime.process.logging_setup import set_up_logging
from trigger_runtime.process.settings import Duration, EnvironmentSettings, Formerly, NatsSettings
from trigger_scheduler.settings import Settings as SchedulerSettings


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


class Renamed(EnvironmentSettings):
    most: Annotated[int, Field(ge=1), Formerly("upper_bound")] = 3


def test_a_former_name_is_understood_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Renamed().most, Renamed().outdated()) == (3, {})
    monkeypatch.setenv("ETP_UPPER_BOUND", "7")
    assert (Renamed().most, Renamed().outdated()) == (7, {"ETP_UPPER_BOUND": "ETP_MOST"})
    monkeypatch.setenv("ETP_MOST", "9")
    assert Renamed().most == 9
    monkeypatch.delenv("ETP_MOST")
    monkeypatch.setenv("ETP_UPPER_BOUND", "0")
    with pytest.raises(ValidationError, match="most"):
        Renamed()


@pytest.fixture
def own_logging() -> Iterator[None]:
    """What a process does to all its logging does not outlive the test."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("own_logging")
def test_a_process_logs_former_names(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ETP_CROWD_CLAIMERS", "2")
    monkeypatch.setenv("ETP_DATABASE_URL", "postgresql://nobody@localhost/none")
    settings = SchedulerSettings()
    assert settings.burst_claimers == 2
    with logging_kept():
        set_up_logging(settings, service="scheduler")
    printed = capfd.readouterr().err
    assert "ETP_CROWD_CLAIMERS" in printed
    assert "ETP_BURST_CLAIMERS" in printed
