"""Every program of the platform on one machine: how it starts, and how one knows it is ready.

The only place that turns secrets and ports into a service's environment.
"""

import asyncio
import contextlib
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import asyncpg

from trigger_admin import broker_health
from trigger_admin.database import DATABASE, owner_role
from trigger_admin.installation import ADMIN, Installation
from trigger_contracts.heartbeats import DELIVER, RECORD
from trigger_contracts.subjects import Service
from trigger_contracts.targets.nats_subjects import DEFAULT as DEFAULT_TARGET_SUBJECTS

from . import nats, postgres, space, store
from .child import Program
from .home import Home
from .ports import LOOPBACK
from .secrets import DATABASE_OWNER, Secrets
from .supervised import Spec

DRAIN_TIMEOUT = 20.0
"""Seconds a service gets to finish what it has in hand."""

SERVER_TIMEOUT = 30.0
"""Seconds the broker or the database gets to write everything out."""

WITH_DATABASE = (Service.API, Service.SCHEDULER, Service.RETENTION)


OF_OTHER_SERVERS = (
    "ETP_NATS_",
    "ETP_DATABASE_URL",
    "ETP_BOOTSTRAP_KEY_HASH",
    "ETP_SESSION_SECRET",
    "ETP_SEALING_",
    "ETP_EXECUTOR_ROLES",
    "ETP_OPERATIONS_",
)
"""What an environment may say of servers elsewhere, files that hold it included: ours are ours.

So are our ports: the gateway's is asked whether it is ready, also by ``etp status``.
"""


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many processes of each worker; the gateway is always one, for it has one port."""

    scheduler: int = 1
    executor: int = 1
    retention: int = 1
    deliver: int = 1

    def names(self) -> Iterator[tuple[str, Service]]:
        """Process names, the first of each kind plain: ``scheduler``, ``scheduler-2``.

        The executor's second role runs by itself, as ``deliver``: whoever records rows does not
        wait for who sends them.
        """
        yield "api", Service.API
        for kind, service in (
            (Service.SCHEDULER.value, Service.SCHEDULER),
            (Service.EXECUTOR.value, Service.EXECUTOR),
            (DELIVER, Service.EXECUTOR),
            (Service.RETENTION.value, Service.RETENTION),
        ):
            for number in range(1, getattr(self, kind) + 1):
                yield (kind if number == 1 else f"{kind}-{number}"), service


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything that the programs' command lines and environments are made of."""

    home: Home
    secrets: Secrets
    ports: dict[str, int]
    """Of every program by process name, the gateway's (``api``) included."""
    host: str
    """The gateway's address; everything else listens on loopback alone."""
    target_subjects: tuple[str, ...] = DEFAULT_TARGET_SUBJECTS
    """Where NATS targets may publish to."""

    @property
    def url(self) -> str:
        return f"http://{reachable(self.host)}:{self.ports['api']}"

    def nats_url(self, user: str | None = None) -> str:
        login = f"{user}:{self.secrets.nats[user]}@" if user else ""
        return f"nats://{login}{LOOPBACK}:{self.ports['nats']}"

    def database_url(self, role: str = DATABASE_OWNER, database: str = DATABASE) -> str:
        password = self.secrets.postgres[role]
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self.ports['postgres']}/{database}"


def servers(platform: Platform) -> tuple[Spec, Spec]:
    """The broker and the database."""
    return (
        Spec(
            name="nats",
            prepare=partial(
                nats.program,
                platform.home.nats,
                platform.secrets.nats,
                port=platform.ports["nats"],
                target_subjects=platform.target_subjects,
            ),
            ready=partial(nats.answers, LOOPBACK, platform.ports["nats"]),
            stop_timeout=SERVER_TIMEOUT,
            against=partial(space.reason_against, platform.home.nats),
            broken=broker_health.LOGGED,
            kept=partial(store.folders, platform.home.nats),
            removed_under_it=partial(store.removed_under_it, target_of(platform)),
            # Its passwords are random, and stand in a file that only its owner may read.
            routine=("[INF]", "Plaintext passwords detected"),
        ),
        Spec(
            name="postgres",
            prepare=partial(_prepare_postgres, platform),
            ready=partial(_database_answers, platform.database_url(database="postgres")),
            stop_timeout=SERVER_TIMEOUT,
            kept=lambda: (platform.home.postgres / postgres.VERSION_FILE,),
            # We ask whether it is up before it is.
            routine=("LOG:  ", "the database system is starting up"),
        ),
    )


def target_of(platform: Platform) -> Installation:
    """The platform's own servers, for an admin step."""
    return Installation(
        nats_url=platform.nats_url(),
        nats_password=platform.secrets.nats[ADMIN],
        database_url=platform.database_url(),
        role_passwords=platform.secrets.postgres,
        options=f" --data-dir {shlex.quote(str(platform.home.root))}",
    )


def services(platform: Platform, replicas: Replicas) -> list[Spec]:
    return [
        Spec(
            name=name,
            prepare=partial(_service_program, platform, name, service),
            ready=partial(
                answers_ready,
                reachable(platform.host) if service is Service.API else LOOPBACK,
                platform.ports[name],
            ),
            stop_timeout=DRAIN_TIMEOUT,
        )
        for name, service in replicas.names()
    ]


def environment(platform: Platform, name: str, service: Service) -> dict[str, str]:
    settings = {
        "ETP_NATS_URL": platform.nats_url(),
        "ETP_NATS_USER": service.value,
        "ETP_NATS_PASSWORD": platform.secrets.nats[service],
        "ETP_HTTP_HOST": platform.host if service is Service.API else LOOPBACK,
        "ETP_HTTP_PORT": str(platform.ports[name]),
        "PYTHONUNBUFFERED": "1",
    }
    delivers = name.partition("-")[0] == DELIVER
    if service in WITH_DATABASE or delivers:
        settings["ETP_DATABASE_URL"] = platform.database_url(owner_role(service))
    if service is Service.API:
        settings["ETP_BOOTSTRAP_KEY_HASH"] = platform.secrets.api_key_hash
        settings["ETP_SESSION_SECRET"] = platform.secrets.session
        settings["ETP_SEALING_PUBLIC_KEY"] = platform.secrets.sealing_public_key
    if service is Service.EXECUTOR:
        settings["ETP_EXECUTOR_ROLES"] = DELIVER if delivers else RECORD
    if delivers:
        settings["ETP_SEALING_KEYS"] = platform.secrets.sealing_keys
    return settings


def service_argv(service: Service) -> tuple[str, ...]:
    return (sys.executable, "-m", f"trigger_{service}")


def reachable(host: str) -> str:
    """Where to reach a server that listens on every address."""
    return LOOPBACK if host in {"0.0.0.0", "::"} else host  # noqa: S104 (compared, not bound)


async def answers_ready(host: str, port: int) -> bool:
    """Whether ``GET /ready`` says 200. A dozen lines instead of an HTTP client's start-up time."""
    request = f"GET /ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(3):
            reader, writer = await asyncio.open_connection(host, port)
            with contextlib.closing(writer):
                writer.write(request.encode())
                status = await reader.readline()
    except (OSError, TimeoutError):
        return False
    return status.split()[1:2] == [b"200"]


def _service_program(platform: Platform, name: str, service: Service) -> Program:
    return Program(
        name=name,
        argv=service_argv(service),
        env=environment(platform, name, service),
        unset=OF_OTHER_SERVERS,
    )


def _prepare_postgres(platform: Platform) -> Program:
    postgres.prepare(platform.home.postgres, platform.secrets.postgres[DATABASE_OWNER])
    return postgres.program(platform.home.postgres, port=platform.ports["postgres"])


async def _database_answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True
