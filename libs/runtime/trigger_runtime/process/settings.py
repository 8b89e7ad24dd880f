"""Settings that several services share, read from ``ETP_*`` environment variables.

A service composes these by inheritance; every field says what it is in its unit, and the
table in the documentation is generated from that. Only ``bootstrap`` sees settings.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from trigger_contracts.topology import LOG_LIFE

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SHORT = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = re.compile(r"\d+(?:\.\d+)?")


def parse_duration(value: Any) -> Any:
    """``30s``, ``2m``, ``1h30m``, ``48h``, plain seconds; the rest (ISO 8601) is pydantic's."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=float(text))
    parts = _SHORT.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())
    return value


Duration = Annotated[timedelta, BeforeValidator(parse_duration), Field(gt=timedelta())]
"""A positive length of time, written as in the broker's own configuration: ``"30s"``, ``"48h"``."""


PREFIX = "ETP_"


@dataclass(frozen=True, slots=True)
class Formerly:
    """Marks a field that had another name: for a version that is understood, too, and is said."""

    name: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


class EnvironmentSettings(BaseSettings):
    """Immutable, from ``ETP_*``; variables that no field names are other services' and ignored."""

    # What is refused may be a secret, or hold one: it is not quoted at the start.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _from_former_names(cls, values: dict[str, Any]) -> dict[str, Any]:
        given = {former.variable: name for name, former in cls._former() if name not in values}
        found = {name: os.environ[old] for old, name in given.items() if old in os.environ}
        return {**values, **found}

    def outdated(self) -> dict[str, str]:
        """Variables of this environment under names that go with the next version: old to new."""
        return {
            former.variable: PREFIX + name.upper()
            for name, former in self._former()
            if former.variable in os.environ
        }

    @classmethod
    def _former(cls) -> Iterator[tuple[str, Formerly]]:
        for name, field in cls.model_fields.items():
            for one in field.metadata:
                if isinstance(one, Formerly):
                    yield name, one


class NatsSettings(EnvironmentSettings):
    nats_url: str = Field(
        default="nats://127.0.0.1:4222",
        description="Broker address; several, separated by commas, for a cluster.",
    )
    nats_user: str | None = Field(default=None, description="NATS user of this service.")
    nats_password: SecretStr | None = Field(default=None, description="Password of the NATS user.")
    publish_timeout: Duration = Field(
        default=timedelta(seconds=2),
        description="How long to wait for the broker's acknowledgement before answering 503.",
    )


class DatabaseSettings(EnvironmentSettings):
    database_url: SecretStr = Field(
        description="PostgreSQL address, postgresql://role:password@host:port/database.",
    )
    pool_size: int = Field(
        default=4, ge=1, le=100, description="Most PostgreSQL connections of one process."
    )


class HttpSettings(EnvironmentSettings):
    http_host: str = Field(default="127.0.0.1", description="Address to listen on for HTTP.")
    http_port: int = Field(
        default=8080,
        ge=0,
        le=65535,
        description="Port for HTTP: the gateway's own, or a worker's health and metrics.",
    )
    http_connections: int = Field(
        default=4096,
        ge=16,
        le=100_000,
        description="Most HTTP connections at a time; fewer where the process may open fewer "
        "files. One more closes an idle one, or is answered 503.",
    )
    http_connections_of_one: int = Field(
        default=2048,
        ge=12,
        le=100_000,
        description="Most HTTP connections of one address (IPv6: of one /64), and never more than "
        "three quarters of all. Behind a proxy, everybody has its address.",
    )
    head_timeout: Duration = Field(
        default=timedelta(seconds=10),
        description="How long the head of an HTTP request may take to arrive before it is "
        "answered 408.",
    )


class LogSettings(EnvironmentSettings):
    log_format: Literal["console", "json"] = Field(
        default="console", description="Log lines for people, or JSON for collectors."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is logged."
    )


class WorkerSettings(NatsSettings, HttpSettings, LogSettings):
    """What every worker needs; a service adds its own fields."""

    kept_for: Duration = Field(
        default=LOG_LIFE,
        le=LOG_LIFE,
        description="Age at which a row of the log and a dead letter are erased. At most what "
        "the streams keep.",
    )
