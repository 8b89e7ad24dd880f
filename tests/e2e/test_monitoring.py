"""What an operator sees: metrics of real services, scraped by a real Prometheus with our rules."""

import asyncio
import subprocess
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from docs import make_metrics
from tests.support import monitoring, prometheus
from tests.support.eventually import eventually
from tests.support.whole_platform import SERVICES, Platform

HUNG = "executor"
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
    documented = {one.name for one in make_metrics.families() if service in one.services}
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
        assert {
            found["metric"]["check"] for found in await watch.query("etp_ready_check == 1")
        } >= {
            "broker",
            "database",
            "streams",
        }
        assert ("EtpBlind", "etp-api") not in await watch.firing()
