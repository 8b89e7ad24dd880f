"""What the administrator's commands are told by ``ETP_*``; options of the same names win."""

import os
import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from trigger_contracts.targets.sealing import OpeningKeys
from trigger_runtime.process.addresses import DatabaseUrl, NatsUrl
from trigger_runtime.process.environment import PREFIX
from trigger_runtime.process.sealing_settings import checked_keys, keys_in
from trigger_runtime.process.secret_files import SUFFIX
from trigger_runtime.process.settings import BrokerSettings

from .database import DATABASE_ROLES
from .installation import ADMIN, Installation

ELSEWHERE = ("nats_url", "nats_password", "database_url")
"""Whoever sets one of these means servers of their own."""


_ROLE_PREFIX = re.compile(r"(?!pg_)[a-z][a-z0-9_]{0,39}|")
"""PostgreSQL keeps ``pg_`` for itself. Nothing in it needs to be quoted."""


def _role_prefix(text: str) -> str:
    if not _ROLE_PREFIX.fullmatch(text):
        raise ValueError("is no beginning of a role's name")
    return text


class ServersSettings(BrokerSettings):
    """A broker and a database, with the credentials of both administrators."""

    nats_url: NatsUrl = Field(
        description="Address of the broker, nats://host:port, or tls://host:port; several, "
        "separated by commas, for a cluster."
    )
    nats_user: str = Field(default=ADMIN, description="NATS user of the administrator.")
    nats_password: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Password of the administrator's NATS user; none where a certificate, an NKEY "
        "or credentials say who that is.",
    )
    database_url: DatabaseUrl = Field(
        description="Address of the database, with a PostgreSQL superuser, "
        "postgresql://role:password@host:port/database; TLS as for services."
    )

    @field_validator("nats_password")
    @classmethod
    def _is_a_way_in(cls, password: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        ways = ("nats_cert_file", "nats_nkey_file", "nats_creds_file")
        # What is wrong itself is said itself.
        if password is None and all(others.data.get(way, "wrong") is None for way in ways):
            raise PydanticCustomError("missing", "Field required")
        return password

    def _role_prefix(self) -> str:
        return ""

    def target(self, replicas: int = 1) -> Installation:
        password = self.nats_password
        return Installation(
            nats_url=self.nats_url,
            nats_password=password.get_secret_value() if password else "",
            database_url=self.database_url.get_secret_value(),
            role_passwords=self._role_passwords(),
            role_prefix=self._role_prefix(),
            replicas=replicas,
            entered_by=self,
        )

    def _role_passwords(self) -> dict[str, str]:
        return {}


class ResealSettings(ServersSettings):
    """The same, and the private keys, without which nothing can be sealed anew."""

    sealing_keys: Annotated[SecretStr, AfterValidator(checked_keys)] = Field(
        description="Private keys to which secrets of targets are sealed, the current one first, "
        "then those that some are still sealed to: as who delivers has them."
    )

    def keys(self) -> OpeningKeys:
        """The current one first."""
        return keys_in(self.sealing_keys)


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

    database_role_prefix: Annotated[str, AfterValidator(_role_prefix)] = Field(
        default="",
        description="What stands before the name of each PostgreSQL role (`staging_` makes "
        "`staging_etp_api` of `etp_api`), so that several installations can share a server: at "
        "most 40 of a-z, 0-9 and _, a letter first, and not pg_.",
    )

    def _role_prefix(self) -> str:
        return self.database_role_prefix

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
