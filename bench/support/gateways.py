"""Further gateways beside a platform's own: in a process with other settings, or in this one."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from trigger_api import bootstrap
from trigger_api.settings import Settings
from trigger_contracts.subjects import Service
from trigger_local import child, ports, programs
from trigger_local import status as status_of
from trigger_local.child import Program
from trigger_local.home import Home

from .checks import until
from .servers import START_TIMEOUT_S, Platform

_PREFIX = "ETP_"


@contextlib.asynccontextmanager
async def another_gateway(servers: Platform, **settings: str) -> AsyncIterator[tuple[str, int]]:
    """Its address. ``settings`` are named as in the environment, without the prefix."""
    port = ports.choose_free(set())
    ours = {f"{_PREFIX}{name.upper()}": value for name, value in settings.items()}
    environment = await _environment(servers)
    program = Program(
        "another-api",
        programs.service_argv(Service.API),
        env={**environment, f"{_PREFIX}HTTP_PORT": str(port), **ours},
    )
    with (servers.home / "another-api.log").open("wb") as output:
        process = await child.start(program, output)
    try:
        await until(
            partial(programs.answers_ready, ports.LOOPBACK, port),
            within=START_TIMEOUT_S,
            what="another gateway answers",
        )
        yield ports.LOOPBACK, port
    finally:
        await child.stop(process, program.stop_signal, programs.DRAIN_TIMEOUT)


async def gateway_here(servers: Platform, **settings: str) -> bootstrap.Api:
    """Wired by its own ``bootstrap``, in this process: it reads, and is on no network."""
    environment = await _environment(servers)
    known = {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(_PREFIX)
    }
    return bootstrap.build(Settings.model_validate({**known, **settings}))


async def _environment(servers: Platform) -> dict[str, str]:
    found = await status_of.read(Home(servers.home))
    return programs.environment(found.platform, Service.API.value, Service.API)
