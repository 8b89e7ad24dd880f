"""What an operator sees: metrics of real services, scraped by a real Prometheus with our rules."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from nats.aio.client import Client
from prometheus_client.parser import text_string_to_metric_families

from docs import make_metrics
from tests.support import monitoring, prometheus
from tests.support.eventually import eventually
from tests.support.whole_platform import SERVICES, Platform
from trigger_contracts.subjects import Verb

HUNG = "executor"
ODD = 20
"""Messages and requests of each kind."""
MARK = "odd-"
Settled = Callable[[], Awaitable[set[tuple[str, ...]]]]
POLL = 0.2
"""Seconds: Prometheus looks once a second."""


def addresses(platform: Platform) -> dict[str, str]:
    """Host and port of each service's own metrics."""
    processes = platform.status["processes"]
    return {name: f"127.0.0.1:{processes[name]['port']}" for name in SERVICES}


async def metrics_of(platform: Platform, service: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://{addresses(platform)[service]}/metrics")
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_tells_the_metrics_that_are_documented_and_no_other(
    platform: Platform, service: str
) -> None:
    told = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(await metrics_of(platform, service))
    }
    program = "executor" if service == "deliver" else service
    documented = {one.name for one in make_metrics.families() if program in one.services}
    assert {name for name in told if name.startswith("etp_")} == documented


@pytest.mark.parametrize("service", SERVICES)
async def test_promtool_has_nothing_to_say_on_metrics(platform: Platform, service: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        (monitoring.program("promtool"), "check", "metrics"),
        input=await metrics_of(platform, service),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def series_in(text: str) -> set[tuple[str, ...]]:
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items())))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def send_odd_ones(platform: Platform, client: Client) -> None:
    """No two alike, by NATS and REST; what is wrong with some of them makes dead letters."""
    for _ in range(ODD):
        odd = f"{MARK}{uuid4().hex}"
        await platform.send(client, Verb.FIRE, {"trigger_id": odd, "payload": {odd: odd}})
        await platform.send(client, Verb.CREATE, {"id": odd, "name": odd, "type": "api"})
        await platform.send(client, Verb.CREATE, {"name": odd, "type": odd, odd: odd})
        await platform.send(client, Verb.DELETE, {"trigger_id": odd})
        await platform.send(client, Verb.FIRE, odd.encode())
        await platform.rest.get(f"/{odd}")
        await platform.rest.post(f"/triggers/{odd}/fire", json={odd: odd})


@pytest.fixture
async def settled_series(platform: Platform) -> Settled:
    """The series of all services once their consumers have nothing left to do."""

    async def told() -> set[tuple[str, ...]]:
        texts = [await metrics_of(platform, service) for service in SERVICES]
        waiting = [
            sample
            for text in texts
            for family in text_string_to_metric_families(text)
            if family.name in {"etp_consumer_pending", "etp_consumer_ack_pending"}
            for sample in family.samples
        ]
        assert len(waiting) >= 8
        assert not any(sample.value for sample in waiting)
        return set().union(*map(series_in, texts))

    return told


async def test_odd_messages_make_no_series_of_their_own(
    platform: Platform, client: Client, settled_series: Settled
) -> None:
    await send_odd_ones(platform, client)
    before = await eventually(settled_series, within=60, poll=POLL)
    await send_odd_ones(platform, client)
    new = await eventually(settled_series, within=60, poll=POLL) - before
    assert len(new) < ODD
    assert not [one for one in before | new if MARK in "".join(one)]


@pytest.mark.parametrize(
    ("server", "check", "unseen"),
    [
        (
            "postgres",
            "database",
            {
                "etp_due_oldest_seconds": {"scheduler"},
                "etp_due_backlog": {"scheduler"},
                "etp_partitions_ahead": {"retention"},
                "etp_log_rows": {"retention"},
                "etp_executor_pending_deliveries": {"deliver"},
                "etp_executor_oldest_pending_seconds": {"deliver"},
            },
        ),
        (
            "nats",
            "broker",
            {
                "etp_consumer_oldest_seconds": set(SERVICES),
                "etp_consumer_pending": set(SERVICES),
                "etp_unprojected_oldest_seconds": {"api", "retention"},
                "etp_retention_lag_seconds": {"retention"},
            },
        ),
    ],
)
async def test_what_cannot_be_looked_at_is_not_told(
    platform: Platform, server: str, check: str, unseen: dict[str, set[str]]
) -> None:
    """While a server hangs no service goes on telling what it saw last, and each says so."""

    async def tellers(name: str, value: float | None = None, **labels: str) -> set[str]:
        return {
            service
            for service in SERVICES
            for family in text_string_to_metric_families(await metrics_of(platform, service))
            for sample in family.samples
            if sample.name == name
            and labels.items() <= sample.labels.items()
            and value in {None, sample.value}
        }

    concerned = set(SERVICES) - ({"executor"} if server == "postgres" else set())

    async def all_is_told() -> bool:
        told = [await tellers(name) == services for name, services in unseen.items()]
        return all(told) and await tellers("etp_ready_check", 1, check=check) == concerned

    async def nothing_is_told() -> bool:
        told = [await tellers(name) for name in unseen]
        return not any(told) and await tellers("etp_ready_check", 0, check=check) == concerned

    await eventually(all_is_told, within=60, poll=POLL, what="all is told")
    async with platform.hung(server):
        await eventually(nothing_is_told, within=60, poll=POLL, what="nothing is told")
    await eventually(all_is_told, within=60, poll=POLL, what="all is told again")


async def test_a_service_that_hangs_raises_its_alerts_and_ends_them(
    platform: Platform, tmp_path: Path
) -> None:
    targets = {f"etp-{name}": address for name, address in addresses(platform).items()}
    async with prometheus.running(tmp_path, targets, alert_after="2s") as watch:

        async def all_are_up() -> bool:
            return len(await watch.query('up{job=~"etp-.+"} == 1')) == len(SERVICES)

        await eventually(all_are_up, within=30, poll=POLL, what="all services are scraped")
        await platform.fire((await platform.create(name="watched", type="api"))["id"])

        async def logged() -> bool:
            return bool(await watch.query("etp_accept_to_log_seconds_count > 0"))

        await eventually(logged, within=30, poll=POLL, what="a fire is timed up to its row")
        about_it = {("EtpTargetDown", f"etp-{HUNG}"), ("EtpServiceGone", f"etp-{HUNG}")}
        about_it |= {("EtpWorkerSilent", HUNG)}

        async def over() -> bool:
            return not about_it & await watch.firing()

        # Prometheus knew of nobody at first.
        await eventually(over, within=30, poll=POLL, what="nothing is wrong")
        async with platform.hung(HUNG):

            async def raised() -> bool:
                return about_it <= await watch.firing()

            await eventually(raised, within=60, poll=POLL, what="its alerts are raised")

        await eventually(over, within=60, poll=POLL, what="its alerts have ended")


async def test_prometheus_understands_every_expression(platform: Platform, tmp_path: Path) -> None:
    """And all that is looked at now and then is told by services that work."""
    targets = {f"etp-{name}": address for name, address in addresses(platform).items()}
    async with prometheus.running(tmp_path, targets, alert_after="2s") as watch:
        sampled = (
            "etp_due_oldest_seconds",
            "etp_due_backlog",
            "etp_triggers",
            "etp_consumer_oldest_seconds",
            "etp_consumer_pending",
            "etp_consumer_ack_pending",
            "etp_consumer_redelivered",
            "etp_unprojected_oldest_seconds",
            "etp_retention_lag_seconds",
            "etp_erasure_overdue_seconds",
            "etp_partitions_ahead",
            "etp_log_rows",
            "etp_ready_check",
            "etp_pool_size",
            "etp_pool_in_use",
            "etp_event_loop_lag_seconds",
            "etp_build_info",
        )
        for name in sampled:
            await eventually(lambda name=name: watch.query(name), within=30, poll=POLL, what=name)
        for expression in (*monitoring.dashboard_expressions(), *monitoring.rule_expressions()):
            await watch.query(expression)

        async def are_ready() -> bool:
            checks = await watch.query("etp_ready_check == 1")
            return {found["metric"]["check"] for found in checks} >= {
                *("broker", "database", "streams"),
            }

        await eventually(are_ready, within=30, poll=POLL, what="checks that are ready")

        # A service that was busy at one look is there at the next one.
        async def all_told() -> bool:
            builds = await watch.query("etp_build_info")
            return {found["metric"]["service"] for found in builds} == set(SERVICES)

        await eventually(all_told, within=30, poll=POLL, what="each service tells its build")
        assert ("EtpBlind", "etp-api") not in await watch.firing()
