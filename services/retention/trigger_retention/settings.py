"""The service's settings; only ``bootstrap`` reads them."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from trigger_contracts.topology import ACTIVE_LIFE
from trigger_runtime.process.setting_words import shown
from trigger_runtime.process.settings import DatabaseSettings, Duration, WorkerSettings


class Settings(WorkerSettings, DatabaseSettings):
    pool_size: int = Field(
        default=7,
        ge=1,
        le=100,
        description="Most PostgreSQL connections of one process: two write rows, one each "
        "writes deliveries, sweeps, closes hours, indexes words and answers for `/health`.",
    )
    active_for: Duration = Field(
        default=ACTIVE_LIFE, description="Age at which a row of the log changes to archived."
    )
    sweep_every: Duration = Field(
        default=timedelta(seconds=1),
        description="Between two looks for rows to erase.",
    )
    projection_batch: int = Field(
        default=1000, ge=1, le=5000, description="Most log rows written in one transaction."
    )

    @model_validator(mode="after")
    def _lives_in_order(self) -> Self:
        if self.active_for >= self.kept_for:
            msg = (
                f"ETP_ACTIVE_FOR ({shown(self.active_for)}) is not shorter than ETP_KEPT_FOR. "
                f"Allowed: a length of time below {shown(self.kept_for)}"
            )
            raise ValueError(msg)
        return self
