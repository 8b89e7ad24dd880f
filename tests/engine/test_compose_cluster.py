"""``deploy/compose/compose.cluster.yaml`` as it is: three brokers, two of every service."""

import json
from collections.abc import Iterator

import pytest

from tests.engine import checks
from tests.support.engine.deployed import Deployment, deployed
from tests.support.engine.running import Engine
from trigger_contracts.topology import BUCKETS, STREAMS

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def cluster(engine: Engine, image: str) -> Iterator[Deployment]:
    with deployed(engine, "compose.cluster.yaml", gateways=2, brokers=3) as up:
        print(f"compose.cluster.yaml: everything healthy after {up.timings['up']:.1f} s")
        yield up


async def test_it_fires_by_rest_and_over_nats_and_tells_of_it(cluster):
    await checks.fires_and_tells(cluster)


def test_every_stream_is_kept_by_three_brokers(cluster):
    ask = [
        "wget",
        "-q",
        "-O",
        "-",
        "http://127.0.0.1:8222/jsz?accounts=true&streams=true&config=true",
    ]
    for node in ("nats-1", "nats-2", "nats-3"):
        done = cluster.of(node)[0].exec_run(ask)
        assert done.exit_code == 0, done.output
        accounts = json.loads(done.output)["account_details"]
        streams = [one for account in accounts for one in account.get("stream_detail", ())]
        assert len(streams) == len(STREAMS) + len(BUCKETS)
        assert {one["config"]["num_replicas"] for one in streams} == {3}


async def test_its_tables_are_made_anew_while_it_runs(cluster):
    """The admin step is told three brokers, as the services are."""
    await checks.is_rebuilt_while_it_fires(cluster)


def test_its_containers_have_what_they_need_and_no_more(cluster):
    checks.is_hardened(cluster)
    checks.shows_no_secret(cluster)


async def test_nothing_is_lost_and_nothing_fires_twice_whatever_is_killed(cluster, begin_beside):
    # Health checks are waited for after each kill: that leaves half of both cores idle.
    begin_beside()
    await checks.loses_nothing_whatever_is_killed(cluster)
