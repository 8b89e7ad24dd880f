"""The command ``etp``: reads the command line, prints, and turns failures into exit codes."""

import asyncio
import contextlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NoReturn, TypeVar

import asyncpg
import nats
import typer
from rich.console import Console
from rich.table import Table

from trigger_admin import records
from trigger_admin.database import DATABASE_ROLES
from trigger_admin.provision import provision as provision_target
from trigger_admin.rebuild import rebuild_all
from trigger_admin.target import ADMIN, Target
from trigger_cli.gateway import GatewayClient
from trigger_cli.importing import Report
from trigger_cli.progress import import_all
from trigger_runtime.process.command_line import ExplainedError
from trigger_runtime.process.printing import printable

from . import status as status_of
from . import supervisor
from .errors import LocalError, NotUpError
from .home import Home
from .output import Output
from .ports import LOOPBACK
from .programs import Replicas

T = TypeVar("T")

app = typer.Typer(
    name="etp",
    help="The Event Trigger Platform on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they hold secrets
)

DataDir = Annotated[Path, typer.Option(help="Where everything is kept.", show_default=True)]
Count = typer.Option(min=1, max=16, help="Processes of this service.")

NatsUrl = Annotated[
    str | None, typer.Option(envvar="ETP_NATS_URL", help="Elsewhere than on the data dir.")
]
NatsPassword = Annotated[
    str | None, typer.Option(envvar="ETP_NATS_PASSWORD", help="Of the NATS user admin.")
]
NEW_LINE = "\n"

DEFAULT_HOME = Path(".data")


@app.command()
def up(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the gateway.")] = 8000,
    data_dir: DataDir = DEFAULT_HOME,
    host: Annotated[str, typer.Option(help="Address the gateway listens on.")] = "127.0.0.1",
    scheduler_replicas: Annotated[int, Count] = 1,
    executor_replicas: Annotated[int, Count] = 1,
    retention_replicas: Annotated[int, Count] = 1,
) -> None:
    """Start the platform: broker, database and services. Ctrl-C stops it."""

    async def started() -> None:
        home = Home.at(data_dir)
        output = Output(home.logs)
        replicas = Replicas(scheduler_replicas, executor_replicas, retention_replicas)
        try:
            await supervisor.up(supervisor.Options(home, port, host, replicas), output)
        finally:
            output.close()

    _complete(started)


@app.command()
def status(
    *,
    data_dir: DataDir = DEFAULT_HOME,
    as_json: Annotated[bool, typer.Option("--json", help="For programs; with secrets.")] = False,
) -> None:
    """Show what runs, and how to reach it."""
    found = _complete(lambda: status_of.read(Home(data_dir.expanduser().resolve())))
    described = found.as_json()
    if as_json:
        print(json.dumps(described, indent=2))
        return
    table = Table("process", "pid", "port", "ready", box=None, pad_edge=False)
    for process in found.processes:
        table.add_row(
            process.name,
            str(process.pid or "-"),
            str(process.port),
            "yes" if process.ready else "no",
        )
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    console.print()
    for name in ("url", "api_key", "nats_url", "database_url", "data_dir"):
        console.print(f"{name:<13}", described[name], markup=False)
    for user in described["nats_users"].values():
        console.print("NATS user    ", *user.values(), markup=False)


@app.command()
def provision(
    *,
    nats_url: Annotated[str, typer.Option(envvar="ETP_NATS_URL")],
    replicas: Annotated[int, typer.Option(min=1, max=5, help="Replicas of each stream.")] = 1,
    nats_password: Annotated[
        str, typer.Option(envvar="ETP_NATS_PASSWORD", help="Of the NATS user admin.")
    ],
    database_url: Annotated[
        str, typer.Option(envvar="ETP_DATABASE_URL", help="Of the PostgreSQL superuser.")
    ],
    api_password: Annotated[str, typer.Option(envvar="ETP_API_PASSWORD")],
    scheduler_password: Annotated[str, typer.Option(envvar="ETP_SCHEDULER_PASSWORD")],
    executor_password: Annotated[str, typer.Option(envvar="ETP_EXECUTOR_PASSWORD")],
    retention_password: Annotated[str, typer.Option(envvar="ETP_RETENTION_PASSWORD")],
) -> None:
    """Create or update streams, database, roles and schemas elsewhere (etp up does it itself).

    Give passwords by environment variables: a command line can be read by others. The services'
    passwords are those of their PostgreSQL roles.
    """
    passwords = (api_password, scheduler_password, executor_password, retention_password)
    target = Target(
        nats_url=nats_url,
        nats_password=nats_password,
        database_url=database_url,
        role_passwords=dict(zip(DATABASE_ROLES, passwords, strict=True)),
        replicas=replicas,
    )
    _complete(lambda: provision_target(target, print))
    print("Provisioned.")


@app.command()
def rebuild(
    *,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Also where streams lack what the tables have: it is lost there as well.",
        ),
    ] = False,
    data_dir: DataDir = DEFAULT_HOME,
    nats_url: Annotated[
        str | None, typer.Option(envvar="ETP_NATS_URL", help="Elsewhere than on the data dir.")
    ] = None,
    nats_password: Annotated[
        str | None, typer.Option(envvar="ETP_NATS_PASSWORD", help="Of the NATS user admin.")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(envvar="ETP_DATABASE_URL", help="Of the PostgreSQL superuser.")
    ] = None,
) -> None:
    """Re-create every table from the streams, while the platform runs or while it does not."""

    async def rebuilt() -> tuple[str, ...]:
        if nats_url and nats_password and database_url:
            return await rebuild_all(
                Target(nats_url, nats_password, database_url), accept_loss=accept_loss
            )
        if nats_url or nats_password or database_url:
            raise LocalError(
                "Elsewhere needs all of ETP_NATS_URL, ETP_NATS_PASSWORD and ETP_DATABASE_URL."
            )
        home = Home(data_dir.expanduser().resolve())
        try:
            platform = (await status_of.read(home)).platform
        except NotUpError:
            if not home.is_ours():
                raise
            return await supervisor.rebuild_stopped(home, accept_loss=accept_loss)
        return await rebuild_all(supervisor.target_of(platform), accept_loss=accept_loss)

    for line in _complete(rebuilt):
        print(line)


records_app = typer.Typer(
    help="Records of the streams that no service can read.", no_args_is_help=True
)
app.add_typer(records_app, name="records")


@records_app.command("list")
def list_records(
    *,
    data_dir: DataDir = DEFAULT_HOME,
    nats_url: NatsUrl = None,
    nats_password: NatsPassword = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what is stored and cannot be read: the services pass it over."""
    home = Home(data_dir.expanduser().resolve())

    async def listed() -> list[records.FoundRecord]:
        return await records.unreadable(*await _broker(home, nats_url, nats_password))

    found = _complete(listed)
    if as_json:
        rows = [{**asdict(one), "stored_at": one.stored_at.isoformat()} for one in found]
        print(json.dumps(rows, indent=2))
        return
    for one in found:
        stored_at = one.stored_at.isoformat(timespec="seconds")
        print(f"{one.stream} {one.seq}  {one.subject}  {stored_at}  {one.why}")
    print(f"{len(found)} records cannot be read." if found else "Every record can be read.")


@records_app.command("remove")
def remove_record(
    stream: Annotated[str, typer.Argument(help="As etp records list shows it.")],
    seq: Annotated[int, typer.Argument(min=1, help="Its place in the stream.")],
    *,
    data_dir: DataDir = DEFAULT_HOME,
    nats_url: NatsUrl = None,
    nats_password: NatsPassword = None,
) -> None:
    """Remove one record that cannot be read; the platform may go on running."""
    home = Home(data_dir.expanduser().resolve())

    async def removed() -> str:
        broker = await _broker(home, nats_url, nats_password)
        return await records.remove(*broker, stream, seq)

    print(_complete(removed))


@app.command("import")
def import_(
    *,
    file: Annotated[str, typer.Argument(help="NDJSON or a JSON array; - is standard input.")],
    partial: Annotated[
        bool, typer.Option("--partial", help="Create what is acceptable although some are not.")
    ] = False,
    name: Annotated[
        str, typer.Option(help="Under another name the same file is created once more.")
    ] = "",
    data_dir: DataDir = DEFAULT_HOME,
    url: Annotated[
        str | None, typer.Option(envvar="ETP_URL", help="Elsewhere than on the data dir.")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="ETP_API_KEY", help="Of the gateway at the url.")
    ] = None,
) -> None:
    """Create the triggers that a file defines. Repeated within 48 h, it creates nothing twice."""
    home = Home(data_dir.expanduser().resolve())

    async def imported() -> Report:
        gateway = await _gateway(home, url, api_key)
        with contextlib.closing(gateway), _opened(file) as opened:
            # Nothing else happens meanwhile, so the calls may block.
            return import_all(gateway, opened, name=name, partial=partial)

    report = _complete(imported)
    if report.refused or not report.is_complete:
        raise typer.Exit(1)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A letter that a terminal cannot show is no reason to stop.
            stream.reconfigure(errors="backslashreplace")
    if sys.platform == "win32":
        sys.exit("etp needs Linux or macOS; on Windows use WSL.")
    app()


async def _broker(home: Home, nats_url: str | None, nats_password: str | None) -> tuple[str, str]:
    """Where the broker is, and its administrator's password."""
    if nats_url and nats_password:
        return nats_url, nats_password
    if nats_url or nats_password:
        raise LocalError("Elsewhere needs both ETP_NATS_URL and ETP_NATS_PASSWORD.")
    platform = (await status_of.read(home)).platform
    return f"nats://{LOOPBACK}:{platform.ports['nats']}", platform.secrets.nats[ADMIN]


async def _gateway(home: Home, url: str | None, api_key: str | None) -> GatewayClient:
    if url and api_key:
        return GatewayClient(url, api_key)
    if url or api_key:
        raise LocalError("Elsewhere needs both ETP_URL and ETP_API_KEY.")
    platform = (await status_of.read(home)).platform
    return GatewayClient(platform.url, platform.secrets.api_key)


@contextlib.contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """A file that can be read twice: standard input is kept in a temporary one."""
    if file != "-":
        with Path(file).open("rb") as opened:
            yield opened
        return
    with tempfile.TemporaryFile() as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        yield kept


def _complete(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end; a failure that we can explain becomes one message and exit code 1."""
    try:
        return asyncio.run(start())
    except ExplainedError as error:
        _fail(str(error))
    except (OSError, nats.errors.Error, asyncpg.PostgresError) as error:
        _fail(f"{type(error).__name__}: {error}")


def _fail(message: str) -> NoReturn:
    print(f"etp: {printable(message, keep=NEW_LINE)}", file=sys.stderr)
    raise typer.Exit(1)
