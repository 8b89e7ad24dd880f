"""The gateway's settings, from ``ETP_*``. Only ``bootstrap`` and ``__main__`` see them."""

import re
from datetime import timedelta
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, model_validator

from trigger_contracts.targets.sealing import SealError, sealing_key
from trigger_contracts.topology import ACTIVE_LIFE, LOG_LIFE
from trigger_runtime.process.listening import ListenAddress
from trigger_runtime.process.settings import (
    AlsoFromFile,
    DatabaseSettings,
    Duration,
    Formerly,
    HttpSettings,
    LogSettings,
    NatsSettings,
    TraceSettings,
)
from trigger_runtime.process.target_settings import TargetRuleSettings

from .domain.keys import parse_stored


def _stored_key(text: str) -> str:
    parse_stored(text)
    return text


def _cache_url(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if not re.match(r"off$|(mem|redis|rediss)://", text):
        raise ValueError("must be off, or begin with mem://, redis:// or rediss://")
    try:
        _ = urlsplit(text).port
    except ValueError:
        raise ValueError("has no host and port that could be") from None
    return url


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
        raise ValueError("must be http:// or https://, a host and perhaps a port")
    return text


def _sealing_key(text: str) -> str:
    try:
        return sealing_key(text).text
    except SealError as error:
        raise ValueError(str(error)) from None


class Settings(
    NatsSettings,
    DatabaseSettings,
    HttpSettings,
    LogSettings,
    TraceSettings,
    TargetRuleSettings,
):
    """What the gateway needs."""

    bootstrap_key_hash: Annotated[
        Annotated[str, AfterValidator(_stored_key)] | None, AlsoFromFile()
    ] = Field(
        default=None,
        description="The first API key, as <key id>:<SHA-256 of its secret, hex>; without one, "
        "every request that needs a key is answered 401.",
    )
    session_secret: Annotated[SecretStr, Field(min_length=32)] | None = Field(
        default=None,
        description="What the cookies of sessions are signed with: the same for all gateways. "
        "Without one, sessions end with the gateway that began them.",
    )
    sealing_public_key: Annotated[
        Annotated[str, AfterValidator(_sealing_key)] | None, AlsoFromFile()
    ] = Field(
        default=None,
        description="What secrets of targets are sealed to, for the executor to open: the public "
        "half of the first of `ETP_SEALING_KEYS`. Without one, what needs a secret is answered "
        "503.",
    )
    public_url: Annotated[str, AfterValidator(_public_url)] | None = Field(
        default=None,
        description="How browsers reach the gateway, where that is not its own address: "
        "`https://triggers.example.com`. With https, cookies are sent over https alone.",
    )
    operations_host: str = Field(
        default="127.0.0.1",
        description="Address to listen on for those who operate the gateway.",
    )
    operations_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="A port for `/health`, `/ready`, `/serving` and `/metrics`, for those who "
        "operate the gateway; it answers until the end of a stop. None of them is then at the "
        "public port.",
    )
    command_timeout: Duration = Field(
        default=timedelta(seconds=2),
        description="How long a write waits for its result before it is answered 202.",
    )
    body_timeout: Duration = Field(
        default=timedelta(seconds=10),
        description="How long a request's body may take to arrive before it is answered 408.",
    )
    definition_max_age: Duration = Field(
        default=timedelta(seconds=1),
        description="How old a definition may be that fires are checked against in advance.",
    )
    read_timeout: Duration = Field(
        default=timedelta(seconds=5),
        description="How long a read from PostgreSQL may take before it is answered 503.",
    )
    active_for: Duration = Field(
        default=ACTIVE_LIFE,
        description="Age at which an event changes from active to archived in a live stream.",
    )
    kept_for: Duration = Field(
        default=LOG_LIFE,
        description="How long a row of the log exists: an older event is answered 410.",
    )
    misfire_grace: Duration = Field(
        default=timedelta(seconds=30),
        description="An occurrence found due later than this is a misfire.",
    )
    cache_url: Annotated[SecretStr, AfterValidator(_cache_url)] = Field(
        default=SecretStr("mem://"),
        validation_alias=AliasChoices("ETP_CACHE_URL", "CACHE_URL", "cache_url"),
        description="Where first pages of the log are kept for up to a second: `mem://` (each "
        "gateway for itself), `redis://host:port/db` (Redis or Valkey, shared by all), or `off`. "
        "`CACHE_URL` is understood, too.",
    )
    max_exports: Annotated[int, Formerly("exports")] = Field(
        default=4,
        ge=1,
        le=100,
        description="Most exports of the log that one gateway writes at once; the next is answered "
        "503. Each takes some 10 MB.",
    )
    export_write_timeout: Annotated[Duration, Formerly("export_patience")] = Field(
        default=timedelta(seconds=60),
        description="How long the client of an export may take nothing before it is cut.",
    )
    max_stream_readers: Annotated[int, Formerly("stream_readers")] = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="Most open streams of the log in one gateway; the next is answered 503.",
    )
    stream_backlog: int = Field(
        default=5000,
        ge=1000,
        le=1_000_000,
        description="How many events a stream's reader may be behind before it is dropped. "
        "All readers share the memory.",
    )
    stream_write_timeout: Annotated[Duration, Formerly("stream_patience")] = Field(
        default=timedelta(seconds=30),
        description="How long a stream's reader may take nothing of what waits for it before it "
        "is dropped.",
    )
    stream_heartbeat: Duration = Field(
        default=timedelta(seconds=15),
        description="A stream without events says so often that it stands.",
    )

    def listeners(self) -> tuple[ListenAddress, ...]:
        """The public one, and that of those who operate it."""
        if self.operations_port is None:
            return super().listeners()
        names = ("ETP_OPERATIONS_HOST", "ETP_OPERATIONS_PORT")
        return (
            *super().listeners(),
            ListenAddress(self.operations_host, self.operations_port, *names),
        )

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.operations_port == self.http_port:
            raise ValueError("ETP_OPERATIONS_PORT must be another port than ETP_HTTP_PORT")
        return self
