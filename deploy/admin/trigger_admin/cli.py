"""The administrator's commands, on a broker and a database that run somewhere.

Served by ``python -m trigger_admin``, which needs nothing of the machine that it runs on. ``etp``
has the same ones, and finds the servers of a data directory as well.
"""

import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import asyncpg
import nats
import typer

from trigger_contracts.targets.sealing import OpeningKeys, new_key, public_of
from trigger_runtime.process import command_line
from trigger_runtime.process.target_settings import TargetSubjectSettings

from . import broker_health as health_of_broker
from . import compose_secrets, nats_config, records
from .backup import Backup, back_up
from .installation import Installation
from .provision import provision as provision_target
from .rebuild import rebuild_all
from .records import FoundRecord
from .resealing import Resealed, reseal
from .restore import rebuild_restored
from .restore import restore as restore_target
from .sealing_needs import Need, needs_of_old_keys, told
from .settings import ProvisionSettings, ResealSettings, ServersSettings

T = TypeVar("T")

app = typer.Typer(
    name="python -m trigger_admin",
    help="Administer the Event Trigger Platform's broker and database.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they hold secrets
)
records_app = typer.Typer(
    help="Records of the streams that no service can read.", no_args_is_help=True
)
app.add_typer(records_app, name="records")
nats_app = typer.Typer(help="What a broker of your own is told.", no_args_is_help=True)
app.add_typer(nats_app, name="nats")
sealing_app = typer.Typer(
    help="The key to which secrets of targets are sealed.", no_args_is_help=True
)
app.add_typer(sealing_app, name="sealing")


def option(meaning: str, variable: str) -> Any:
    """One that is else read from the environment, or from a file that this names."""
    return typer.Option(help=f"{meaning} Else {variable}, or a file that {variable}_FILE names.")


NatsUrl = Annotated[
    str | None, option("Address of the broker; several, separated by commas.", "ETP_NATS_URL")
]
NatsPassword = Annotated[str | None, option("Of the NATS user admin.", "ETP_NATS_PASSWORD")]
DatabaseUrl = Annotated[
    str | None, option("Of the database, with a PostgreSQL superuser.", "ETP_DATABASE_URL")
]
AcceptLoss = Annotated[
    bool,
    typer.Option(
        "--accept-loss",
        help="Also where streams lack what the tables have: it is lost there as well.",
    ),
]
Restored = Annotated[
    bool,
    typer.Option(
        "--restored",
        help="The streams are a backup's: what was due since is logged as missed, and does not "
        "fire, for it may have fired before.",
    ),
]
Replace = Annotated[
    bool,
    typer.Option("--replace", help="Also where streams have messages: they are lost."),
]
Replicas = Annotated[int, typer.Option(min=1, max=5, help="Replicas of each stream.")]
BackupFolder = Annotated[Path, typer.Argument(help="The backup's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
StreamName = Annotated[str, typer.Argument(help="As etp records list shows it.")]
Place = Annotated[int, typer.Argument(min=1, help="Its place in the stream.")]


@app.command()
def provision(
    *,
    nats_url: NatsUrl = None,
    replicas: Replicas = 1,
    nats_password: NatsPassword = None,
    database_url: DatabaseUrl = None,
    api_password: Annotated[str | None, option("Of etp_api.", "ETP_API_PASSWORD")] = None,
    scheduler_password: Annotated[
        str | None, option("Of etp_scheduler.", "ETP_SCHEDULER_PASSWORD")
    ] = None,
    executor_password: Annotated[
        str | None, option("Of etp_executor.", "ETP_EXECUTOR_PASSWORD")
    ] = None,
    retention_password: Annotated[
        str | None, option("Of etp_retention.", "ETP_RETENTION_PASSWORD")
    ] = None,
) -> None:
    """Create or update streams, database, roles and schemas elsewhere (etp up does it itself).

    Give passwords by files or by environment variables: a command line can be read by others. The
    services' passwords are those of their PostgreSQL roles.
    """
    settings = command_line.read_settings(
        ProvisionSettings,
        nats_url=nats_url,
        nats_password=nats_password,
        database_url=database_url,
        api_password=api_password,
        scheduler_password=scheduler_password,
        executor_password=executor_password,
        retention_password=retention_password,
    )
    target = settings.target(replicas)
    # At once, also into a file: who waits says so while it waits.
    complete(lambda: provision_target(target, partial(print, flush=True)))
    print("Provisioned.")


@app.command()
def rebuild(
    *,
    accept_loss: AcceptLoss = False,
    restored: Restored = False,
    nats_url: NatsUrl = None,
    nats_password: NatsPassword = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Re-create every table from the streams, while the services run or while they do not."""
    target = servers(nats_url, nats_password, database_url)
    step = rebuild_restored if restored else rebuild_all
    for line in complete(lambda: step(target, accept_loss=accept_loss)):
        print(line)


@app.command()
def backup(
    folder: BackupFolder,
    *,
    nats_url: NatsUrl = None,
    nats_password: NatsPassword = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write all streams into a new folder, while the services run or while they do not."""
    target = servers(nats_url, nats_password, database_url)
    print(told_of(complete(lambda: back_up(target, folder, print))))


@app.command()
def restore(
    folder: BackupFolder,
    *,
    replace: Replace = False,
    replicas: Replicas = 1,
    nats_url: NatsUrl = None,
    nats_password: NatsPassword = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Put the streams of a backup back and make the tables of them, while no service runs.

    What was due since is logged as missed, and does not fire: it may have fired before. The
    database must be there: etp provision makes it.
    """
    target = servers(nats_url, nats_password, database_url, replicas)
    for line in complete(lambda: restore_target(target, folder, print, replace=replace)):
        print(line)


@app.command()
def broker_health(
    *,
    nats_monitor_url: Annotated[
        str,
        typer.Option(envvar="ETP_NATS_MONITOR_URL", help="nats-server's monitoring endpoint."),
    ] = f"http://127.0.0.1:{health_of_broker.PORT}",
) -> None:
    """Whether a broker elsewhere answers and stores: exit code 0, else 1 with a sentence.

    For a container's health check: a broker that keeps a write error must be restarted.
    """
    print(complete(lambda: health_of_broker.check(nats_monitor_url)))


@records_app.command("list")
def list_records(
    *,
    nats_url: NatsUrl = None,
    nats_password: NatsPassword = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show what is stored and cannot be read: the services pass it over."""
    target = servers(nats_url, nats_password, database_url)
    show(complete(lambda: records.unreadable(target)), as_json=as_json)


@records_app.command("remove")
def remove_record(
    stream: StreamName,
    seq: Place,
    *,
    nats_url: NatsUrl = None,
    nats_password: NatsPassword = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Remove one record that cannot be read; the services may go on running."""
    target = servers(nats_url, nats_password, database_url)
    print(complete(lambda: records.remove(target, stream, seq)))


def servers(
    nats_url: str | None,
    nats_password: str | None,
    database_url: str | None,
    replicas: int = 1,
) -> Installation:
    """Those that options name, and else the environment; ends the command where they are wrong."""
    return command_line.read_settings(
        ServersSettings,
        nats_url=nats_url,
        nats_password=nats_password,
        database_url=database_url,
    ).target(replicas)


def told_of(made: Backup) -> str:
    """A sentence about a backup."""
    return (
        f"Backup of {made.began_at.isoformat(timespec='seconds')}: {made.size} bytes. All that was "
        "acknowledged before is in it."
    )


@nats_app.command("config")
def show_nats_config(
    *,
    cluster: Annotated[
        str, typer.Option(help="Name of the cluster; without one the server is alone.")
    ] = "",
    store_dir: Annotated[Path, typer.Option(help="Where nats-server keeps streams.")] = Path(
        "/data"
    ),
) -> None:
    """Print nats-server's configuration: accounts, users, permissions, and how it stores.

    ETP_TARGET_SUBJECTS says where NATS targets may publish to: the same as for the services.

    Passwords stay in the server's own environment: NATS_PASSWORD_API and its like, and for a
    cluster NATS_PASSWORD_ROUTE and NATS_ROUTES, such as ["nats://route:PASSWORD@nats-0:6222"]. The
    server's name is given by its --name.
    """
    print(
        nats_config.with_variables(
            cluster or None, store_dir=store_dir, target_subjects=_target_subjects()
        )
    )


@sealing_app.command("make")
def make_sealing_key() -> None:
    """Print a new key: the private half, which is the first of ETP_SEALING_KEYS from then on, and
    the public one, for the gateway's ETP_SEALING_PUBLIC_KEY.
    """
    key = new_key()
    print(f"ETP_SEALING_KEYS={key}")
    print(f"ETP_SEALING_PUBLIC_KEY={public_of(key)}")


@sealing_app.command("reseal")
def reseal_targets(
    *,
    nats_url: NatsUrl = None,
    nats_password: NatsPassword = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Seal what targets have to the first of ETP_SEALING_KEYS, while the services run.

    Those after it are of use as long as this has not said that all is sealed to the first.
    """
    settings = reseal_settings(nats_url, nats_password, database_url)
    finish_resealing(*complete(lambda: resealed(settings.target(), settings.keys())))


def reseal_settings(
    nats_url: str | None, nats_password: str | None, database_url: str | None
) -> ResealSettings:
    """Those that options name, and else the environment; ends the command where they are wrong."""
    return command_line.read_settings(
        ResealSettings,
        nats_url=nats_url,
        nats_password=nats_password,
        database_url=database_url,
    )


async def resealed(target: Installation, keys: OpeningKeys) -> tuple[Resealed, Sequence[Need]]:
    """Seal anew, and then look what still needs an old key."""
    outcome = await reseal(target, keys)
    return outcome, await needs_of_old_keys(target, outcome.key_id)


def finish_resealing(outcome: Resealed, needs: Sequence[Need]) -> None:
    """Say what became of it, and whether old keys may go; exit code 1 where something is left."""
    for line in (*outcome.told(), told(needs)):
        print(line)
    if not outcome.is_done:
        raise typer.Exit(1)


@app.command()
def secrets(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="It is theirs.")],
    *,
    broker_health: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="The broker's health check, to be copied there so that its container can read it.",
        ),
    ] = None,
    monitoring: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="The folder deploy/monitoring, of which Prometheus and Grafana read copies there.",
        ),
    ] = None,
    add_sealing_key: Annotated[
        bool,
        typer.Option(
            "--add-sealing-key",
            help="Secrets of targets are sealed to a new key; the others still open what is there.",
        ),
    ] = False,
) -> None:
    """Make the secrets of the Compose files in a folder, or what is missing there."""
    subjects = _target_subjects()

    async def made() -> bool:
        return compose_secrets.make(
            folder,
            broker_health,
            monitoring,
            target_subjects=subjects,
            add_sealing_key=add_sealing_key,
        )

    print("Secrets were made." if complete(made) else "Secrets are there.")


def _target_subjects() -> tuple[str, ...]:
    return command_line.read_settings(TargetSubjectSettings).subjects()


def show(found: Sequence[FoundRecord], *, as_json: bool) -> None:
    if as_json:
        rows = [{**asdict(one), "stored_at": one.stored_at.isoformat()} for one in found]
        print(json.dumps(rows, indent=2))
        return
    for one in found:
        stored_at = one.stored_at.isoformat(timespec="seconds")
        print(f"{one.stream} {one.seq}  {one.subject}  {stored_at}  {one.why}")
    print(f"{len(found)} records cannot be read." if found else "Every record can be read.")
    print(records.IN_COMMANDS)


def complete(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end; what the servers refuse, or that they are away, is said in one line."""
    return command_line.complete(start, OSError, nats.errors.Error, asyncpg.PostgresError)
