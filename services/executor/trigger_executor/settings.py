"""The executor's settings, from ``ETP_*``. Only ``bootstrap`` sees them."""

from pydantic import Field

from trigger_runtime.process.settings import WorkerSettings


class Settings(WorkerSettings):
    """What the executor needs besides every worker's settings."""

    definition_cache_mib: int = Field(
        default=16,
        ge=1,
        le=4096,
        description="Most MiB of trigger payloads that the executor keeps in memory.",
    )
