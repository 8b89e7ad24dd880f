"""Metrics of the gateway: as many as there are names in the code, whatever is asked of it."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from nats.aio.client import Client
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.api.conftest import Running
from tests.support.eventually import eventually
from tests.support.log_entries import body_of, make_entry
from trigger_api import bootstrap
from trigger_contracts import subjects
from trigger_runtime.process.metrics import LOOKED_AT_FOR

ODD = 20
"""Requests of each kind."""


def series() -> set[tuple[str, ...]]:
    return {
        (sample.name, *sorted(f"{key}={value}" for key, value in sample.labels.items()))
        for family in REGISTRY.collect()
        for sample in family.samples
    }


async def odd_requests(gateway: Running) -> list[str]:
    """No two are alike: unknown paths and methods, ids, queries, headers, keys. What is odd."""
    odds = [uuid4().hex for _ in range(ODD)]
    await asyncio.gather(*(odd_ones(gateway, odd) for odd in odds))
    return odds


async def odd_ones(gateway: Running, odd: str) -> None:
    for method, path in (
        ("GET", f"/{odd}"),
        ("GET", f"/ui/{odd}"),
        ("GET", f"/triggers/{odd}"),
        ("GET", f"/events/{odd}?{odd}={odd}"),
        ("DELETE", f"/triggers/{odd}"),
        ("POST", f"/triggers/{odd}/fire"),
        ("POST", f"/triggers/{odd}/{odd}"),
        (odd.upper(), "/triggers/"),
        ("PROPFIND", f"/{odd}"),
    ):
        await gateway.http.request(method, path, headers={"X-Request-Id": odd, odd: odd})
    await gateway.http.get("/triggers/", headers={"X-API-KEY": f"etp_{odd}.{odd}"})
    await gateway.http.get("/triggers/", params={"q": odd, odd: odd})


async def test_odd_requests_make_no_new_series(gateway: Running) -> None:
    odds = await odd_requests(gateway)

    async def add_nothing() -> bool:
        before = series()
        odds.extend(await odd_requests(gateway))
        return series() <= before

    # What is looked at now and then comes meanwhile; odd requests are new ones each time.
    await eventually(add_nothing, within=30)
    # The registry is the process's: whichever tests ran in it before, none asked for these.
    texts = " ".join(text for one in series() for text in one).lower()
    assert [odd for odd in odds if odd in texts] == []


async def test_every_series_is_short_and_none_says_when_it_began(gateway: Running) -> None:
    text = (await gateway.http.get("/metrics")).text
    families = list(text_string_to_metric_families(text))
    names = {sample.name for family in families for sample in family.samples}
    assert "etp_http_requests_total" in names
    assert not [name for name in names if name.endswith("_created")]
    assert all(family.documentation for family in families)


async def test_what_is_not_in_the_log_is_told_while_no_retention_is_there(
    gateway: Running, executor: Client
) -> None:
    entry = make_entry("unprojected")
    await executor.jetstream().publish(subjects.fired("t"), body_of(entry))

    def oldest() -> float:
        return REGISTRY.get_sample_value("etp_unprojected_oldest_seconds") or 0.0

    await eventually(lambda: oldest() > 1, within=20)
    assert bootstrap.LOOK_EVERY * 3 <= LOOKED_AT_FOR
    assert timedelta(seconds=oldest()) < timedelta(minutes=1)


async def test_the_checks_of_ready_are_looked_at_without_being_asked(gateway: Running) -> None:
    def passes(check: str) -> bool:
        return REGISTRY.get_sample_value("etp_ready_check", {"check": check}) == 1

    await eventually(lambda: passes("broker") and passes("database"), within=20)


async def test_a_pool_tells_its_size_and_how_long_one_waits(gateway: Running) -> None:
    labels = {"pool": "etp api"}
    before = REGISTRY.get_sample_value("etp_pool_wait_seconds_count", labels) or 0.0
    assert (await gateway.http.get("/triggers/")).status_code == 200
    assert (REGISTRY.get_sample_value("etp_pool_size", labels) or 0) > 0
    assert REGISTRY.get_sample_value("etp_pool_wait_seconds_count", labels) > before
    await eventually(lambda: REGISTRY.get_sample_value("etp_pool_in_use", labels) == 0)
