"""nats-server's configuration for the platform, alone or as a node of a cluster.

It is JSON (which nats-server reads as its own format), so that no value can be misquoted, and
holds one user per service with what ``trigger_contracts.topology`` allows it; ``accounts`` says
who of them is in which account.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trigger_contracts.targets.nats_subjects import DEFAULT as DEFAULT_TARGET_SUBJECTS
from trigger_contracts.topology import MAX_WAITING_MESSAGES, PERMISSIONS

from . import accounts

PORT = 4222
CLUSTER_PORT = 6222
MONITOR_PORT = 8222
"""The usual ports: inside a container, where nothing else listens."""

MAX_PAYLOAD_BYTES = 1024 * 1024
"""The broker's default, stated: contracts derive their own limits from it."""

PING_INTERVAL = "10s"
"""How soon the server notices a client that vanished without closing (default 2 min)."""

CLUSTER_USER = "route"
"""Whom the nodes of a cluster are to each other."""

_VARIABLE = re.compile(r'"(\$NATS_[A-Z0-9_]+)"')


@dataclass(frozen=True, slots=True)
class Cluster:
    """Three nodes or more that share every stream; the same for each of them."""

    name: str
    nodes: Sequence[str] | None
    """Host names, without credentials and ports; None leaves them to ``NATS_ROUTES``."""
    password: str = field(repr=False)
    """That of one node for another."""


def configuration(
    passwords: Mapping[str, str],
    *,
    store_dir: Path,
    port: int = PORT,
    host: str = "127.0.0.1",
    server_name: str | None = "etp",
    monitor_host: str | None = None,
    cluster: Cluster | None = None,
    target_subjects: Sequence[str] = DEFAULT_TARGET_SUBJECTS,
) -> str:
    """The whole configuration file. NATS targets may publish to ``target_subjects``.

    Without ``server_name`` the server is told it by its ``--name``, so that the nodes of a cluster
    share a file. On ``monitor_host`` it answers ``/healthz``, to whoever reaches that.
    """
    named = {} if server_name is None else {"server_name": server_name}
    return json.dumps(
        {
            **named,
            "host": host,
            "port": port,
            **({"http": f"{monitor_host}:{MONITOR_PORT}"} if monitor_host else {}),
            "max_payload": MAX_PAYLOAD_BYTES,
            "ping_interval": PING_INTERVAL,
            # Without "always" an acknowledged message may be lost for two minutes (power failure).
            "jetstream": {
                "store_dir": str(store_dir),
                "sync_interval": "always",
                "max_buffered_msgs": MAX_WAITING_MESSAGES,
            },
            # A listener that does not read is cut off; it must not slow down who publishes.
            "no_fast_producer_stall": True,
            "accounts": accounts.configuration(passwords, target_subjects),
            **({} if cluster is None else {"cluster": _routes(cluster, host)}),
        },
        indent=2,
        # The server does not know JSON's \\u escapes; a folder's name may hold any letter.
        ensure_ascii=False,
    )


def with_variables(
    cluster_name: str | None,
    *,
    store_dir: Path,
    target_subjects: Sequence[str] = DEFAULT_TARGET_SUBJECTS,
) -> str:
    """The same for a container, with its passwords left to the environment of nats-server.

    ``NATS_PASSWORD_<USER>`` for each user; in a cluster also ``NATS_PASSWORD_ROUTE``, and
    ``NATS_ROUTES``, a list of addresses that hold it.
    """
    text = configuration(
        {user: variable(user) for user in map(str, PERMISSIONS)},
        store_dir=store_dir,
        host="0.0.0.0",  # noqa: S104 (inside a container)
        server_name=None,
        monitor_host="0.0.0.0",  # noqa: S104 (a kubelet asks from outside)
        cluster=Cluster(cluster_name, None, variable(CLUSTER_USER)) if cluster_name else None,
        target_subjects=target_subjects,
    )
    # A quoted one would be the password itself.
    return _VARIABLE.sub(r"\1", text)


def variable(user: str) -> str:
    """What stands for a user's password in ``with_variables``."""
    return f"$NATS_PASSWORD_{user.upper()}"


def _routes(cluster: Cluster, host: str) -> dict[str, object]:
    as_node = f"{CLUSTER_USER}:{cluster.password}"
    return {
        "name": cluster.name,
        "listen": f"{host}:{CLUSTER_PORT}",
        "authorization": {"user": CLUSTER_USER, "password": cluster.password},
        # With one list for all, each node finds itself and leaves that route.
        "routes": "$NATS_ROUTES"
        if cluster.nodes is None
        else [f"nats://{as_node}@{node}:{CLUSTER_PORT}" for node in cluster.nodes],
    }
