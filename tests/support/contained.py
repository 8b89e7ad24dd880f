"""Servers of tests as containers of the official images, each on a port of this machine.

What nats-server reads and writes has the same path inside as outside, and belongs to whoever runs
the tests: they may look into it.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.processes import Contained
from trigger_admin import nats_config
from trigger_local import postgres
from trigger_local.secrets import DATABASE_OWNER

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.network import Network

NATS_IMAGE = "nats:2.15-alpine"
POSTGRES_IMAGE = "postgres:18-alpine"


@contextlib.contextmanager
def network() -> "Iterator[Network]":
    """One on which containers find each other by name."""
    from testcontainers.core.network import Network  # slow import

    with Network() as made:
        yield made


def broker(
    folder: Path,
    configuration: Mapping[str, Any],
    port: int,
    *,
    reads: Path | None = None,
    on: "tuple[Network, str] | None" = None,
) -> Contained:
    """A nats-server with this configuration, but for its address; its files are in ``folder``.

    ``reads``: a folder with the other files that are named. ``on``: a network, and its name there.
    """
    listening = {"host": "0.0.0.0", "port": nats_config.PORT}
    file = folder / "nats.conf"
    file.write_text(json.dumps({**configuration, **listening}, ensure_ascii=False))
    container = _container(NATS_IMAGE).with_command(["nats-server", "--config", str(file)])
    container.with_kwargs(user=f"{os.getuid()}:{os.getgid()}")
    container.with_volume_mapping(str(folder), str(folder), "rw")
    if reads is not None:
        container.with_volume_mapping(str(reads), str(reads), "ro")
    if on is not None:
        container.with_network(on[0]).with_network_aliases(on[1])
    return Contained(port, container.with_bind_ports(nats_config.PORT, port))


def database(password: str, port: int) -> Contained:
    """A PostgreSQL that nothing is in yet."""
    settings = (
        f"{name}={value}"
        for name, value in postgres.SETTINGS.items()
        if name != "unix_socket_directories"  # the image initialises the database through it
    )
    # As words: a value may hold blanks.
    command = ["postgres", *(word for setting in settings for word in ("-c", setting))]
    container = _container(POSTGRES_IMAGE).with_command(command)
    container.with_env("POSTGRES_USER", DATABASE_OWNER).with_env("POSTGRES_DB", "postgres")
    container.with_env("POSTGRES_PASSWORD", password)
    container.with_env("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --locale=C")
    return Contained(port, container.with_bind_ports(postgres.PORT, port))


def _container(image: str) -> "DockerContainer":
    from testcontainers.core.container import DockerContainer  # slow import

    return DockerContainer(image)
