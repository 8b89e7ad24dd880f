"""What the administrator's commands are told by ``ETP_*``; options of the same names win."""

import os

from pydantic import Field, SecretStr

from trigger_runtime.process.environment import PREFIX
from trigger_runtime.process.secret_files import SUFFIX
from trigger_runtime.process.settings import BrokerSettings, DatabaseUrl, NatsUrl

from .database import DATABASE_ROLES
from .target import ADMIN, Target

ELSEWHERE = ("nats_url", "nats_password", "database_url")
"""Whoever sets one of these means servers of their own."""


class ServersSettings(BrokerSettings):
    """A broker and a database, with the credentials of both administrators."""

    nats_url: NatsUrl = Field(
        description="Address of the broker, nats://host:port; several, separated by commas, for a "
        "cluster."
    )
    nats_user: str = Field(default=ADMIN, description="NATS user of the administrator.")
    nats_password: SecretStr = Field(description="Password of the administrator's NATS user.")
    database_url: DatabaseUrl = Field(
        description="Address of the database, with a PostgreSQL superuser, "
        "postgresql://role:password@host:port/database."
    )

    def target(self, replicas: int = 1) -> Target:
        return Target(
            nats_url=self.nats_url,
            nats_user=self.nats_user,
            nats_password=self.nats_password.get_secret_value(),
            database_url=self.database_url.get_secret_value(),
            role_passwords=self._role_passwords(),
            replicas=replicas,
        )

    def _role_passwords(self) -> dict[str, str]:
        return {}


def is_elsewhere(*options: str | None) -> bool:
    """Whether servers are named by these options of theirs, or by the environment."""
    variables = {PREFIX + name.upper() + suffix for name in ELSEWHERE for suffix in ("", SUFFIX)}
    return any(options) or any(os.environ.get(variable) for variable in variables)


class ProvisionSettings(ServersSettings):
    """The same, and the passwords that the services' roles are to have."""

    api_password: SecretStr = Field(
        description="Password that the PostgreSQL role `etp_api` is to have."
    )
    scheduler_password: SecretStr = Field(
        description="Password that the PostgreSQL role `etp_scheduler` is to have."
    )
    executor_password: SecretStr = Field(
        description="Password that the PostgreSQL role `etp_executor` is to have."
    )
    retention_password: SecretStr = Field(
        description="Password that the PostgreSQL role `etp_retention` is to have."
    )

    def _role_passwords(self) -> dict[str, str]:
        passwords = (
            self.api_password,
            self.scheduler_password,
            self.executor_password,
            self.retention_password,
        )
        return {
            role: password.get_secret_value()
            for role, password in zip(DATABASE_ROLES, passwords, strict=True)
        }
