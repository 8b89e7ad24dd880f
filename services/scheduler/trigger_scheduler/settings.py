"""The scheduler's settings, from ``ETP_*``. Only ``bootstrap`` sees them."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from trigger_contracts.topology import LOG_LIFE
from trigger_runtime.process.settings import DatabaseSettings, Duration, Formerly, WorkerSettings
from trigger_runtime.process.target_settings import TargetRuleSettings


class Settings(WorkerSettings, DatabaseSettings, TargetRuleSettings):
    """What the scheduler needs besides every worker's settings."""

    misfire_grace: Duration = Field(
        default=timedelta(seconds=30),
        description="An occurrence found due later than this is a misfire.",
    )
    claim_ahead: Duration = Field(
        default=timedelta(milliseconds=150),
        description="How far ahead of time rows are locked and made ready to publish.",
    )
    claim_batch: int = Field(
        default=1000, ge=1, le=1000, description="Most rows taken in one claim."
    )
    claimers: int = Field(
        default=2, ge=1, le=16, description="Claims that one replica always has open."
    )
    burst_claimers: Annotated[int, Formerly("crowd_claimers")] = Field(
        default=4,
        ge=0,
        le=16,
        description="Further claims that a replica opens while one claim is not enough.",
    )
    claim_poll: Duration = Field(
        default=timedelta(milliseconds=500),
        description="Longest sleep between claims: covers lost wakes and rows of a dead replica.",
    )
    lock_timeout: Duration = Field(
        default=timedelta(seconds=3),
        description="A replica that hangs while it holds rows loses them after this.",
    )
    history_kept: int = Field(
        default=1000,
        ge=1,
        description="Versions of a trigger that its history keeps; the newest always.",
    )
    history_kept_for: Duration = Field(
        default=timedelta(days=30),
        ge=timedelta(minutes=1),
        description="A version of a trigger leaves its history so long after another took its "
        "place.",
    )
    max_triggers: int = Field(
        default=100_000,
        ge=1,
        description="Active triggers that one creator (an API key, or all of NATS) may have.",
    )
    max_fires_per_second: int = Field(
        default=1000,
        ge=1,
        description="How often all schedules together may fire, by their own rules. What is "
        "asked beyond is refused, since everybody would be late.",
    )
    command_age_limit: Duration = Field(
        default=timedelta(seconds=15),
        description="`/ready` fails while the oldest unanswered command is older than this.",
    )
    erase_after: Duration = Field(
        default=timedelta(days=30),
        ge=LOG_LIFE,
        description="Completed and deleted triggers and their history are erased after this.",
    )
