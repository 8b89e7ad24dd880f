"""Settings that several services share, read from ``ETP_*`` environment variables.

A service composes these by inheritance; every field says what it is in its unit, and the
table in the documentation is generated from that. Only ``bootstrap`` sees settings.
"""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from trigger_contracts.topology import LOG_LIFE

from .addresses import DatabaseUrl, NatsUrl
from .broker_settings import BrokerSettings
from .environment import AlsoFromFile, Duration, EnvironmentSettings, Formerly
from .listening import ListenAddress

__all__ = [
    "AlsoFromFile",
    "BrokerSettings",
    "DatabaseSettings",
    "DatabaseUrl",
    "Duration",
    "EnvironmentSettings",
    "Formerly",
    "HttpSettings",
    "LogSettings",
    "NatsSettings",
    "NatsUrl",
    "TraceSettings",
    "WorkerSettings",
]

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _trace_headers(given: SecretStr) -> SecretStr:
    for each in given.get_secret_value().split(","):
        name, is_given, value = each.partition("=")
        if not (_HEADER_NAME.fullmatch(name.strip()) and is_given and value.strip()):
            raise ValueError("holds a header that is not name=value")
    return given


TraceHeaders = Annotated[SecretStr, AfterValidator(_trace_headers)]
"""Headers of HTTP; blanks and commas in a value are written as in addresses (``%20``, ``%2C``)."""


class NatsSettings(BrokerSettings):
    publish_timeout: Duration = Field(
        default=timedelta(seconds=2),
        description="How long to wait for the broker's acknowledgement before answering 503.",
    )


class DatabaseSettings(EnvironmentSettings):
    database_url: DatabaseUrl = Field(
        description="PostgreSQL address, postgresql://role:password@host:port/database; for TLS "
        "`?sslmode=verify-full&sslrootcert=/path/ca.pem`, and `sslcert` and `sslkey`.",
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
    keep_alive: Duration = Field(
        default=timedelta(seconds=75),
        description="How long an idle HTTP connection stays open for a next request. It must be "
        "longer than a proxy in front keeps one: else, now and then, a request meets the close.",
    )

    def listeners(self) -> tuple[ListenAddress, ...]:
        """Where the process listens."""
        return (ListenAddress(self.http_host, self.http_port, "ETP_HTTP_HOST", "ETP_HTTP_PORT"),)


class LogSettings(EnvironmentSettings):
    log_format: Literal["console", "json"] = Field(
        default="console", description="Log lines for people, or JSON for collectors."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is logged."
    )


class TraceSettings(EnvironmentSettings):
    trace_ratio: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Share of all fires that are traced, where `OTEL_EXPORTER_OTLP_ENDPOINT` names "
        "a collector ([traces](traces.md)). The same for all services.",
    )
    trace_headers: TraceHeaders | None = Field(
        default=None,
        description="Headers of each request to the collector, such as a key: name=value, several "
        "separated by commas, as in `OTEL_EXPORTER_OTLP_HEADERS`, which they are added to.",
    )


class WorkerSettings(NatsSettings, HttpSettings, LogSettings, TraceSettings):
    """What every worker needs; a service adds its own fields."""

    kept_for: Duration = Field(
        default=LOG_LIFE,
        le=LOG_LIFE,
        description="Age at which a row of the log and a dead letter are erased. At most what "
        "the streams keep.",
    )
