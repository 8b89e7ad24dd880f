"""Dashboards are what their script makes, and show every metric that there is, and no other."""

import functools

import pytest

from deploy.monitoring import make_dashboards, pages
from docs import make_metrics
from tests.support import monitoring, promql

OF_PROMETHEUS = {"up"}
OF_ITS_CLIENT = {
    "process_start_time_seconds",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
}
EXPRESSIONS = [*monitoring.rule_expressions(), *monitoring.dashboard_expressions()]


@functools.cache
def families() -> dict[str, make_metrics.Family]:
    return {family.name: family for family in make_metrics.families()}


@pytest.mark.parametrize("dashboard", make_dashboards.DASHBOARDS, ids=lambda one: one.uid)
def test_a_dashboard_is_what_its_script_makes(dashboard: pages.Dashboard) -> None:
    written = make_dashboards.path_of(dashboard).read_text(encoding="utf-8")
    assert written == pages.text_of(dashboard), (
        "run: .venv/bin/python -m deploy.monitoring.make_dashboards"
    )


def test_there_is_no_other_dashboard() -> None:
    files = set(make_dashboards.FOLDER.iterdir())
    assert files == {make_dashboards.path_of(one) for one in make_dashboards.DASHBOARDS}


def test_rules_and_dashboards_name_metrics_that_there_are() -> None:
    there = {*families(), *monitoring.recorded(), *OF_PROMETHEUS, *OF_ITS_CLIENT}
    named = {name for expression in EXPRESSIONS for name in promql.names(expression)}
    assert named - there == set()


def test_every_metric_is_in_a_rule_or_on_a_dashboard() -> None:
    """Nothing is measured that nobody can see."""
    named = {name for expression in EXPRESSIONS for name in promql.names(expression)}
    assert set(families()) - named == set()


def test_what_is_recorded_is_used() -> None:
    alerts = [alert["expr"] for alert in monitoring.alerts().values()]
    used = {name for expression in alerts for name in promql.names(expression)}
    assert monitoring.recorded() <= used


def test_labels_are_those_that_the_metric_has() -> None:
    """In selectors, beside those that Prometheus adds."""
    added = {"job", "instance", "le"}
    for expression in EXPRESSIONS:
        for selector in promql.selectors(expression):
            asked = {matcher.name for matcher in selector.matchers.matchers}
            (name,) = promql.names(selector.prettify())
            had = set(families()[name].labels) if name in families() else set()
            assert asked <= added | had, expression


def test_the_provisioning_finds_datasource_and_dashboards() -> None:
    folder = monitoring.FOLDER / "grafana" / "provisioning"
    (source,) = monitoring.read(folder / "datasources" / "prometheus.yaml")["datasources"]
    assert {key: source[key] for key in ("type", "uid")} == pages.DATASOURCE
    (provider,) = monitoring.read(folder / "dashboards" / "etp.yaml")["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
