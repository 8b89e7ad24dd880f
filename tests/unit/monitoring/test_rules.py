"""The rules are valid, each alert is shown to rise and to be silent, and has its runbook."""

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import monitoring

RUNBOOKS = monitoring.ROOT / "docs" / "runbooks.md"
ALERTS = monitoring.alerts()


def promtool(*arguments: str) -> str:
    """What it prints; a failure where it finds something wrong."""
    done = subprocess.run(
        (monitoring.program("promtool"), *arguments),
        cwd=monitoring.FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shown() -> Iterator[tuple[str, bool]]:
    """Of each expectation in the tests of rules its alert, and whether it is to rise."""
    for test in monitoring.read(monitoring.FOLDER / "rules_test.yaml")["tests"]:
        for expected in test["alert_rule_test"]:
            yield expected["alertname"], bool(expected["exp_alerts"])


def sections() -> dict[str, str]:
    """The runbooks' text by heading."""
    parts = re.split(r"^## (.+)$", RUNBOOKS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_rules_and_the_configuration_are_valid() -> None:
    assert "SUCCESS" in promtool("check", "rules", "rules.yaml")
    assert "SUCCESS" in promtool("check", "config", "prometheus.yaml")


def test_each_rule_does_what_its_tests_say() -> None:
    assert "SUCCESS" in promtool("test", "rules", "rules_test.yaml")


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_shown_to_rise_and_to_stay_silent(name: str) -> None:
    assert {rises for alert, rises in shown() if alert == name} == {True, False}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_waits_a_while_and_says_what_to_do(name: str) -> None:
    alert: dict[str, Any] = ALERTS[name]
    assert re.fullmatch(r"[1-9]\d*[mh]", alert["for"])
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert alert["annotations"]["summary"]
    assert alert["annotations"]["runbook_url"] == f"docs/runbooks.md#{name.lower()}"
    section = sections()[name]
    for part in ("**Means:**", "**Look"):
        assert part in section


def test_there_is_a_runbook_for_each_alert_and_no_other() -> None:
    assert list(sections()) == sorted(sections(), key=list(ALERTS).index)
    assert set(sections()) == set(ALERTS)


def test_every_wanted_alert_is_there() -> None:
    """By what is watched, whatever it is called."""
    watched = " ".join(alert["expr"] for alert in ALERTS.values())
    for metric in (
        "up{",
        "etp_ready_check",
        "etp_due_oldest_seconds",
        "etp_due_lateness_seconds_bucket",
        "etp_occurrences_missed_total",
        "etp_dead_letters_total",
        "etp_unprojected_oldest_seconds",
        "etp_erasure_overdue_seconds",
        "etp:http_errors:ratio_rate5m",
        "etp:http_errors:ratio_rate6h",
        "etp_publish_seconds_bucket",
        "etp_pool_in_use",
        "etp_cache_requests_total",
        "etp_event_loop_lag_seconds",
        "etp_partitions_ahead",
        "etp_executor_projection_lag_seconds",
        "etp_executor_first_attempt_lag_seconds_bucket",
        "etp_executor_hindered_attempts_total",
        'etp_executor_attempts_total{outcome="blocked"}',
        "etp_executor_dead_deliveries_total",
        "etp_executor_oldest_pending_seconds",
    ):
        assert metric in watched


def test_every_service_is_scraped_where_it_answers_operations() -> None:
    jobs = monitoring.read(monitoring.FOLDER / "prometheus.yaml")["scrape_configs"]
    found = {job["job_name"]: job["dns_sd_configs"] for job in jobs}
    assert found == {
        f"etp-{service}": [
            {"names": [service], "type": "A", "port": 8081, "refresh_interval": "15s"}
        ]
        for service in ("api", "scheduler", "executor", "deliver", "retention")
    }
