"""A service on a machine whose clock is wrong: it says so, and works as ever."""

from datetime import timedelta

import pytest

from tests.integration.local.test_guard import STARTS_WITHIN, worker
from tests.integration.local.test_schema_versions import publish, rows
from tests.support.eventually import eventually
from tests.support.fake_clock import fake_clocks
from tests.support.servers import Broker, Database
from trigger_local.secrets import Secrets


@pytest.mark.parametrize(
    ("service", "off", "words"),
    [
        ("api", 90, "90 s ahead of PostgreSQL's, 90 s ahead of the broker's"),
        ("executor", 90, "90 s ahead of PostgreSQL's, 90 s ahead of the broker's"),
        ("retention", -90, "90 s behind PostgreSQL's, 90 s behind the broker's"),
    ],
)
async def test_a_service_whose_clock_is_wrong_says_so_and_is_ready(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    service: str,
    off: int,
    words: str,
) -> None:
    with fake_clocks("its") as clocks:
        clocks["its"].jump(timedelta(seconds=off))
        async with worker(
            service, platform_streams, empty_database, secrets, **clocks["its"].environment
        ) as one:

            async def says() -> bool:
                status, checks = await one.ready()
                return status == 200 and checks["clock"] == f"this machine's clock is {words}"

            await eventually(says, within=STARTS_WITHIN)
            if service == "retention":
                await publish(platform_streams)

                async def stored() -> bool:
                    return await rows(empty_database) == 1

                await eventually(stored, within=STARTS_WITHIN)
            clocks["its"].jump(-timedelta(seconds=off))

            async def is_right() -> bool:
                return (await one.ready()) == (200, dict.fromkeys((await one.ready())[1], "ok"))

            await eventually(is_right, within=STARTS_WITHIN)
