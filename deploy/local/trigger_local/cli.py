"""The command ``etp``: this machine's platform, and the commands of administrators and clients.

Those work on servers named by options or environment, and else on those of the data directory.
What only a platform of this machine needs is imported when it is asked for: with no more than the
extra ``image`` all commands on servers elsewhere work.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from trigger_admin import cli as admin
from trigger_admin import records
from trigger_admin.backup import Backup, back_up
from trigger_admin.cli import complete
from trigger_admin.installation import Installation
from trigger_admin.rebuild import rebuild_all
from trigger_admin.records import FoundRecord
from trigger_admin.resealing import Resealed
from trigger_admin.restore import rebuild_restored
from trigger_admin.restore import restore as restore_target
from trigger_admin.sealing_needs import Need, needs_of_old_keys, told
from trigger_cli import cli as client
from trigger_cli.gateway import GatewayClient
from trigger_cli.importing import Report
from trigger_contracts.targets.sealing import opening_keys
from trigger_runtime.process.usage import run

from . import secrets
from .errors import NotUpError, StillSealedError
from .home import Home
from .naming import DEFAULT_HOME, DataDir, Named, named, of_this_machine, status_of
from .output import Output

if TYPE_CHECKING:
    from .status import PlatformStatus

app = typer.Typer(
    name="etp",
    help="The Event Trigger Platform on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they hold secrets
)

Count = typer.Option(min=1, max=16, help="Processes of this service.")


@app.command()
def up(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the gateway.")] = 8000,
    data_dir: DataDir = DEFAULT_HOME,
    host: Annotated[str, typer.Option(help="Address the gateway listens on.")] = "127.0.0.1",
    scheduler_replicas: Annotated[int, Count] = 1,
    executor_replicas: Annotated[int, Count] = 1,
    retention_replicas: Annotated[int, Count] = 1,
    deliver_replicas: Annotated[int, Count] = 1,
) -> None:
    """Start the platform: broker, database and services. Ctrl-C stops it."""

    async def started() -> None:
        with of_this_machine():
            from . import running  # noqa: PLC0415 (of the extra `local`)
            from .programs import Replicas  # noqa: PLC0415 (of the extra `local`)
        home = Home.at(data_dir)
        output = Output(home.logs)
        replicas = Replicas(
            scheduler_replicas, executor_replicas, retention_replicas, deliver_replicas
        )
        try:
            await running.up(running.Options(home, port, host, replicas), output)
        finally:
            output.close()

    complete(started)


@app.command()
def status(
    *,
    data_dir: DataDir = DEFAULT_HOME,
    as_json: Annotated[bool, typer.Option("--json", help="For programs; with secrets.")] = False,
) -> None:
    """Show what runs, and how to reach it."""

    async def looked() -> "PlatformStatus":
        return await status_of(Home(data_dir.expanduser().resolve()))

    found = complete(looked)
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


app.command()(admin.provision)
app.command()(admin.broker_health)
app.command()(admin.secrets)
app.add_typer(admin.nats_app, name="nats")


@app.command()
@named
def rebuild(
    platform: Named,
    *,
    accept_loss: admin.AcceptLoss = False,
    restored: admin.Restored = False,
) -> None:
    """Re-create every table from the streams, while the platform runs or while it does not."""

    async def rebuilt() -> tuple[str, ...]:
        try:
            target = await platform.servers()
        except NotUpError:
            if not platform.home.is_ours():
                raise
            from . import running  # noqa: PLC0415 (of the extra `local`)

            return await running.rebuild_stopped(
                platform.home, accept_loss=accept_loss, restored=restored
            )
        step = rebuild_restored if restored else rebuild_all
        return await step(target, accept_loss=accept_loss)

    for line in complete(rebuilt):
        print(line)


@app.command()
@named
def backup(platform: Named, folder: admin.BackupFolder) -> None:
    """Write all streams into a new folder, while the platform runs or while it does not."""

    async def stopped(target: Installation, output: Output) -> Backup:
        return await back_up(target, folder, output.say)

    async def backed_up() -> Backup:
        try:
            target = await platform.servers()
        except NotUpError:
            if not platform.home.is_ours():
                raise
            from . import running  # noqa: PLC0415 (of the extra `local`)

            return await running.on_stopped(platform.home, stopped)
        return await back_up(target, folder, print)

    print(admin.told_of(complete(backed_up)))


@app.command()
@named
def restore(
    platform: Named,
    folder: admin.BackupFolder,
    *,
    replace: admin.Replace = False,
    replicas: admin.Replicas = 1,
) -> None:
    """Put the streams of a backup back and make the tables of them, while no service runs.

    What was due since is logged as missed, and does not fire: it may have fired before. A data
    directory may be new; elsewhere the database must be there: etp provision makes it.
    """

    async def restored() -> tuple[str, ...]:
        if platform.is_elsewhere:
            target = platform.elsewhere(replicas)
            return await restore_target(target, folder, print, replace=replace)
        with of_this_machine():
            from . import running  # noqa: PLC0415 (of the extra `local`)
        home = Home.at(platform.data_dir)
        return await running.restore_stopped(home, folder, replace=replace)

    for line in complete(restored):
        print(line)


sealing_app = typer.Typer(
    help="The key to which secrets of targets are sealed.", no_args_is_help=True
)
app.add_typer(sealing_app, name="sealing")
sealing_app.command("make")(admin.make_sealing_key)


@sealing_app.command("add")
def add_sealing_key(*, data_dir: DataDir = DEFAULT_HOME) -> None:
    """Have a new key made for a data directory; from its next start on it is the current one."""

    async def added() -> str:
        return secrets.add_sealing_key(_ours(data_dir)).sealing_public_key

    print(f"The next etp up seals to {complete(added)}. Then: etp sealing reseal")


@sealing_app.command("reseal")
@named
def reseal_targets(platform: Named) -> None:
    """Seal what targets have to the current key, while the platform runs.

    Elsewhere that is the first of ETP_SEALING_KEYS.
    """

    async def resealed() -> tuple[Resealed, Sequence[Need]]:
        if platform.is_elsewhere:
            settings = admin.reseal_settings(
                platform.nats_url, platform.nats_password, platform.database_url
            )
            return await admin.resealed(settings.target(), settings.keys())
        target = await platform.servers()
        known = secrets.load_or_create(platform.home)
        return await admin.resealed(target, opening_keys(known.sealing))

    admin.finish_resealing(*complete(resealed))


@sealing_app.command("drop")
def drop_sealing_keys(
    *,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Also where something needs them: that is not delivered any more."
        ),
    ] = False,
    data_dir: DataDir = DEFAULT_HOME,
) -> None:
    """Forget a data directory's old keys, while its platform runs: not before nothing needs them
    any more, neither a target nor what was accepted in the last 48 h.
    """

    async def dropped() -> str:
        home = _ours(data_dir)
        platform = (await status_of(home)).platform
        from .programs import target_of  # noqa: PLC0415 (of the extra `local`)

        current = opening_keys(secrets.load_or_create(home).sealing).current.key_id
        needs = await needs_of_old_keys(target_of(platform), current)
        if needs and not force:
            raise StillSealedError(told(needs))
        secrets.drop_old_sealing_keys(home)
        return f"The key {current} is the only one that is left, from the next etp up on."

    print(complete(dropped))


def _ours(data_dir: Path) -> Home:
    """Raises NotUpError where the platform was never started on it."""
    home = Home(data_dir.expanduser().resolve())
    if not home.is_ours():
        raise NotUpError(str(home.root))
    return home


records_app = typer.Typer(
    help="Records of the streams that no service can read.", no_args_is_help=True
)
app.add_typer(records_app, name="records")


@records_app.command("list")
@named
def list_records(platform: Named, *, as_json: admin.AsJson = False) -> None:
    """Show what is stored and cannot be read: the services pass it over.

    Commands that cannot be read are dead letters instead.
    """

    async def listed() -> list[FoundRecord]:
        return await records.unreadable(await platform.servers())

    admin.show(complete(listed), as_json=as_json)


@records_app.command("remove")
@named
def remove_record(platform: Named, stream: admin.StreamName, seq: admin.Place) -> None:
    """Remove one record that cannot be read; the platform may go on running."""

    async def removed() -> str:
        return await records.remove(await platform.servers(), stream, seq)

    print(complete(removed))


@app.command("import")
def import_(
    *,
    file: client.File,
    partial: client.Partial = False,
    name: client.Name = "",
    data_dir: DataDir = DEFAULT_HOME,
    url: client.Url = None,
    api_key: client.ApiKey = None,
) -> None:
    """Create the triggers that a file defines. Repeated within 48 h, it creates nothing twice."""
    home = Home(data_dir.expanduser().resolve())

    async def imported() -> Report:
        gateway = await _gateway(home, url, api_key)
        return client.send(gateway, file, name=name, partial=partial)

    client.finish(complete(imported))


def main() -> None:
    """The console script."""
    if sys.platform == "win32":
        sys.exit("etp needs Linux or macOS; on Windows use WSL.")
    run(app)


async def _gateway(home: Home, url: str | None, api_key: str | None) -> GatewayClient:
    if client.is_elsewhere(url, api_key):
        return client.gateway(url, api_key)
    platform = (await status_of(home)).platform
    return GatewayClient(platform.url, platform.secrets.api_key)
