"""Every secret of the Compose files, as files: a folder for each service, which sees no other's.

``kept.json`` holds what was made at random, once; everything else is written from it anew at each
start, so that a new version's users and permissions come with it. Files are written whole, and a
run that is killed is repeated by the next one.

The folder belongs to whoever made it, and only they may enter it. Its files may be read by
anybody, for in the containers other users than theirs read them, and each has its own folder alone.

What else of the clone a container reads lies there as well, though it is no secret: the broker's
health check, and what Prometheus and Grafana are told. Their users own none of it, and root has no
capability there: they read no file of somebody else's whose mode a strict umask has narrowed.
"""

import json
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from trigger_contracts.subjects import Service
from trigger_contracts.targets.nats_subjects import DEFAULT as DEFAULT_TARGET_SUBJECTS
from trigger_contracts.targets.sealing import SealError, new_key, opening_keys

from . import credentials, nats_config
from .credentials import DATABASE_OWNER, Secrets, with_new_sealing_key
from .database import DATABASE, owner_role
from .errors import AdminError

KEPT = "kept.json"

BROKER_HEALTH = "nats/broker-health"

MONITORING = {
    "prometheus.yaml": "prometheus",
    "rules.yaml": "prometheus",
    "grafana/provisioning": "grafana-provisioning",
    "grafana/dashboards": "grafana-dashboards",
}
"""Of ``deploy/monitoring``: what is read, a file or all in a folder, and in which folder here."""

WITH_DATABASE = (Service.API, Service.SCHEDULER, Service.RETENTION)

NODES = ("nats-1", "nats-2", "nats-3")
"""Brokers of ``compose.cluster.yaml``."""

STORE = Path("/data")
"""Where the broker's volume is."""


@dataclass(frozen=True, slots=True)
class ComposeSecrets:
    platform: Secrets
    cache: str
    """Password of Valkey."""
    route: str
    """Of one broker for another."""
    grafana: str
    """Of Grafana's user ``admin``."""


def make(
    folder: Path,
    broker_health: Path | None = None,
    monitoring: Path | None = None,
    *,
    target_subjects: Sequence[str] = DEFAULT_TARGET_SUBJECTS,
    add_sealing_key: bool = False,
) -> bool:
    """Have everything in ``folder``, copies of ``broker_health`` and of the folder ``monitoring``
    included; the broker lets NATS targets publish to ``target_subjects``. Whether it is the first
    time. Raises AdminError, OSError.
    """
    owner = folder.stat()
    folder.chmod(0o700)
    kept = folder / KEPT
    first = not kept.exists()
    found = _read(kept)
    if add_sealing_key and not first:
        found = replace(found, platform=with_new_sealing_key(found.platform))
    _write(kept, json.dumps(asdict(found), indent=2), owner, mode=0o600)
    files = dict(_files(found, target_subjects))
    if broker_health is not None:
        files[BROKER_HEALTH] = broker_health.read_text(encoding="utf-8")
    if monitoring is not None:
        files |= _monitoring(monitoring)
        _remove_others(folder, files)
    for name, text in files.items():
        path = folder / name
        for above in reversed(path.relative_to(folder).parents[:-1]):
            (folder / above).mkdir(exist_ok=True)
            (folder / above).chmod(0o755)
            _own(folder / above, owner)
        _write(path, text, owner, mode=0o444)
    return first


def _read(kept: Path) -> ComposeSecrets:
    """What is kept, and new ones for whatever has come since. Raises AdminError."""
    try:
        found = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        platform = found.get("platform", {})
        opening_keys(platform.get("sealing") or [new_key()])
        return ComposeSecrets(
            credentials.complete(
                platform.get("nats", {}),
                platform.get("postgres", {}),
                platform.get("api_key"),
                platform.get("session"),
                platform.get("sealing", ()),
            ),
            *(found.get(name) or credentials.password() for name in ("cache", "route", "grafana")),
        )
    except (ValueError, AttributeError, TypeError, SealError):
        msg = (
            f"{kept} is broken: it does not hold what was written there. Bring it back from a "
            "backup: broker and database know no other passwords."
        )
        raise AdminError(msg) from None


def _files(secrets: ComposeSecrets, target_subjects: Sequence[str]) -> Iterator[tuple[str, str]]:
    own = secrets.platform
    for service in Service:
        yield f"{service}/nats_password", own.nats[service]
    for service in WITH_DATABASE:
        yield f"{service}/database_url", _url(owner_role(service), own)
    yield "api/bootstrap_key_hash", own.api_key_hash
    yield "api/session_secret", own.session
    yield "api/sealing_public_key", own.sealing_public_key
    yield "deliver/nats_password", own.nats[Service.EXECUTOR]
    yield "deliver/database_url", _url(owner_role(Service.EXECUTOR), own)
    yield "deliver/sealing_keys", own.sealing_keys
    yield "api/cache_url", f"redis://:{secrets.cache}@valkey:6379/0"
    yield "admin/nats_password", own.nats["admin"]
    yield "admin/database_url", _url(DATABASE_OWNER, own)
    for service in Service:
        yield f"admin/{service}_password", own.postgres[owner_role(service)]
    yield "nats/nats.conf", _broker(secrets, None, target_subjects)
    cluster = nats_config.Cluster("etp", NODES, secrets.route)
    yield "nats/cluster.conf", _broker(secrets, cluster, target_subjects)
    yield "postgres/password", own.postgres[DATABASE_OWNER]
    yield "valkey/valkey.conf", f"requirepass {secrets.cache}\n"
    yield "valkey/password", secrets.cache
    yield "grafana/password", secrets.grafana
    yield "you/api_key", own.api_key
    for user in ("client", "reader"):
        yield f"you/nats_{user}_password", own.nats[user]


def _monitoring(folder: Path) -> dict[str, str]:
    files: dict[str, str] = {}
    for source, target in MONITORING.items():
        path = folder / source
        for file in (path,) if path.is_file() else sorted(path.rglob("*")):
            if file.is_file():
                name = file.relative_to(path if path.is_dir() else folder)
                files[f"{target}/{name}"] = file.read_text(encoding="utf-8")
    return files


def _remove_others(folder: Path, files: Collection[str]) -> None:
    """A dashboard or rule that this version has no more."""
    for target in set(MONITORING.values()):
        for path in (folder / target).rglob("*"):
            if path.is_file() and str(path.relative_to(folder)) not in files:
                path.unlink()


def _broker(
    secrets: ComposeSecrets,
    cluster: nats_config.Cluster | None,
    target_subjects: Sequence[str],
) -> str:
    return nats_config.configuration(
        secrets.platform.nats,
        store_dir=STORE,
        host="0.0.0.0",  # noqa: S104 (inside a container)
        server_name=None,
        monitor_host="127.0.0.1",
        cluster=cluster,
        target_subjects=target_subjects,
    )


def _url(role: str, secrets: Secrets) -> str:
    return f"postgresql://{role}:{secrets.postgres[role]}@postgres:5432/{DATABASE}"


def _write(path: Path, text: str, owner: os.stat_result, *, mode: int) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.chmod(mode)  # whatever the umask says
    _own(part, owner)
    part.replace(path)


def _own(path: Path, owner: os.stat_result) -> None:
    """Hand it to the owner of the folder, where we are root and they are not."""
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)
