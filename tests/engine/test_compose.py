"""``deploy/compose/compose.yaml`` as it is: one of everything, on one machine."""

import json
import re
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.engine import checks
from tests.engine.load import client_of, created, log
from tests.support import pages
from tests.support.engine.deployed import SERVICES, Deployment
from tests.support.engine.packages import ROOT
from tests.support.eventually import eventually

FIRES = 20

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module", autouse=True)
def is_left_to_its_prometheus(
    platform: Deployment, begin_outage: Callable[[], None]
) -> Iterator[None]:
    """What is to be seen of an outage takes minutes, and no test uses this platform after these."""
    yield
    begin_outage()


async def test_it_fires_by_rest_and_over_nats_and_tells_of_it(platform):
    await checks.fires_and_tells(platform)


async def test_the_first_request_of_the_readme_works_as_the_page_of_servers_says(
    platform, tmp_path
):
    """``URL`` and ``KEY`` as docs/install.md sets them, but for the port, which is the test's."""
    page = (ROOT / "docs/install.md").read_text()
    url, key = (re.search(rf"^{name}=.*$", page, re.MULTILINE)[0] for name in ("URL", "KEY"))
    port = f":{platform.gateways[0]}"
    told = f"cd '{platform.folder}'\n{url.replace(':8000', port)}\n{key}\n"
    assert told.count(port) == 1
    printed = await pages.paste([told, *pages.requests("README.md", "First request")], tmp_path)
    made, end = json.JSONDecoder().raw_decode(printed)
    assert isinstance(json.loads(printed[end:]), list)
    async with client_of(platform) as client:
        [row] = await eventually(lambda: log(client, made["id"]), within=30, what="its row")
    assert row["status"] == "fired"


async def test_pages_are_found_in_the_cache(platform):
    print(f"hits counted: {await checks.finds_pages_in_the_cache(platform):.0f}")


def test_its_containers_have_what_they_need_and_no_more(platform):
    checks.is_hardened(platform)
    checks.shows_no_secret(platform)


async def test_its_workers_can_be_doubled(platform):
    scale = [f"--scale={service}=2" for service in SERVICES[1:]]
    print(f"two of every worker after {platform.up('--no-recreate', *scale):.1f} s")

    def two() -> bool:
        heard = checks.workers_heard(platform)
        told = [*heard.values(), heard["executor"].get("deliver", {"ready": 0})]
        return {worker["ready"] for worker in told} == {2}

    await eventually(two, within=30, what="two of each worker are heard of")
    await checks.fires_and_tells(platform)
    platform.up("--no-recreate")


async def test_nothing_is_lost_and_nothing_fires_twice_whatever_is_killed(platform):
    await checks.loses_nothing_whatever_is_killed(platform)


async def test_nothing_is_lost_when_all_of_it_is_stopped_at_work(platform):
    await checks.loses_nothing_when_it_is_stopped_at_work(platform)


async def test_it_stops_at_once_and_goes_on_where_it_stopped(platform):
    async with client_of(platform) as client:
        trigger = await created(client, {"name": "before and after", "type": "api"})
        for number in range(FIRES):
            fire = {"payload": {"number": number}}
            answer = await client.post(f"/triggers/{trigger}/fire", json=fire)
            assert answer.status_code == 202, answer.text
        before = await eventually(
            lambda: _fired(client, trigger), within=30, poll=0.2, what="every fire's row"
        )
    checks.stops_at_once(platform)
    # Long enough for a start to do again what had been done.
    await checks.fires_and_tells(platform)
    async with client_of(platform) as client:
        assert await _fired(client, trigger) == before


async def _fired(client: httpx.AsyncClient, trigger: str) -> list[str]:
    """The ids of its events: each fire's, and no more."""
    events = [row["id"] for row in await log(client, trigger)]
    assert len(set(events)) == len(events) == FIRES
    return sorted(events)
