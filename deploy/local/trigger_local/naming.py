"""The options that name a platform: servers elsewhere, or those of a data directory.

Every command on a platform has the same ones. What only a platform of this machine needs is
imported when it is asked for.
"""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trigger_admin import cli as admin
from trigger_admin.installation import Installation
from trigger_admin.settings import is_elsewhere

from .errors import NotInstalledError
from .home import Home

if TYPE_CHECKING:
    from .status import PlatformStatus

DEFAULT_HOME = Path(".data")

DataDir = Annotated[
    Path, typer.Option(help="Where everything is kept.", show_default=True, file_okay=False)
]


@dataclass(frozen=True, slots=True)
class Named:
    """The platform that a command is about."""

    data_dir: Path
    nats_url: str | None
    nats_password: str | None
    database_url: str | None

    @property
    def home(self) -> Home:
        return Home(self.data_dir.expanduser().resolve())

    @property
    def is_elsewhere(self) -> bool:
        return is_elsewhere(self.nats_url, self.nats_password, self.database_url)

    def elsewhere(self, replicas: int = 1) -> Installation:
        """Ends the command where options and environment do not say all of it."""
        return admin.servers(self.nats_url, self.nats_password, self.database_url, replicas)

    async def servers(self) -> Installation:
        """Those elsewhere, or those of a running platform. Raises NotUpError."""
        if self.is_elsewhere:
            return self.elsewhere()
        platform = (await status_of(self.home)).platform
        from .programs import target_of  # noqa: PLC0415 (of the extra `local`)

        return target_of(platform)


def named(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options, whose values it takes as its first argument."""

    def options(
        *,
        data_dir: DataDir = DEFAULT_HOME,
        nats_url: admin.NatsUrl = None,
        nats_password: admin.NatsPassword = None,
        database_url: admin.DatabaseUrl = None,
    ) -> Named:
        return Named(data_dir, nats_url, nats_password, database_url)

    shared = inspect.signature(options).parameters
    _, *own = inspect.signature(command).parameters.values()

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        command(options(**{name: given.pop(name) for name in shared}), **given)

    # What Typer reads.
    signature = inspect.Signature([*own, *shared.values()])
    with_options.__signature__ = signature  # type: ignore[attr-defined]
    return with_options


async def status_of(home: Home) -> "PlatformStatus":
    with of_this_machine():
        from . import status  # noqa: PLC0415 (of the extra `local`)
    return await status.read(home)


@contextlib.contextmanager
def of_this_machine() -> Iterator[None]:
    """Imports what the extra ``local`` brings. Raises NotInstalledError where it is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise NotInstalledError(error.name or "a package") from None
