"""A client's commands, on a gateway somewhere: ``python -m trigger_cli``.

``etp`` has the same ones, and finds the gateway of a data directory as well.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from trigger_runtime.process.command_line import complete, read_settings

from .gateway import GatewayClient
from .importing import Report
from .progress import import_all
from .settings import ClientSettings

app = typer.Typer(
    name="python -m trigger_cli",
    help="Use a gateway of the Event Trigger Platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they hold secrets
)

File = Annotated[str, typer.Argument(help="NDJSON or a JSON array; - is standard input.")]
Partial = Annotated[
    bool, typer.Option("--partial", help="Create what is acceptable although some are not.")
]
Name = Annotated[str, typer.Option(help="Under another name the same file is created once more.")]

Url = Annotated[str | None, typer.Option(help="Of the gateway. Else ETP_URL.")]
ApiKey = Annotated[
    str | None,
    typer.Option(
        help="For the gateway at the url. Else ETP_API_KEY, or a file that ETP_API_KEY_FILE names."
    ),
]


@app.callback()
def main() -> None:
    """Use a gateway of the Event Trigger Platform."""


@app.command("import")
def import_(
    *,
    file: File,
    partial: Partial = False,
    name: Name = "",
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Create the triggers that a file defines. Repeated within 48 h, it creates nothing twice."""

    async def imported() -> Report:
        return send(gateway(url, api_key), file, name=name, partial=partial)

    finish(complete(imported, OSError))


def is_elsewhere(url: str | None, api_key: str | None) -> bool:
    """Whether a gateway is named by these options, or by the environment."""
    variables = ("ETP_URL", "ETP_API_KEY", "ETP_API_KEY_FILE")
    return bool(url or api_key) or any(os.environ.get(variable) for variable in variables)


def gateway(url: str | None, api_key: str | None) -> GatewayClient:
    """The one that is named; ends the command where it is not."""
    settings = read_settings(ClientSettings, url=url, api_key=api_key)
    return GatewayClient(settings.url, settings.api_key.get_secret_value())


def send(gateway: GatewayClient, file: str, *, name: str, partial: bool) -> Report:
    """Import a file, and say what becomes of it. Blocks: nothing else happens meanwhile."""
    with contextlib.closing(gateway), _opened(file) as opened:
        return import_all(gateway, opened, name=name, partial=partial)


def finish(report: Report) -> None:
    """Exit code 1 unless everything was created."""
    if report.refused or not report.is_complete:
        raise typer.Exit(1)


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
