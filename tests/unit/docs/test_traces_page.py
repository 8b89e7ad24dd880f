"""The page of traces names what is sent, and its files what is needed."""

import re
from pathlib import Path

import pytest

from trigger_api.domain.triggers.traces import Route
from trigger_contracts.subjects import Service
from trigger_executor.domain import tracing as deciding
from trigger_retention.domain import tracing as projecting
from trigger_runtime.tracing import traces
from trigger_scheduler.domain import tracing as scheduling

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/traces.md").read_text(encoding="utf-8")
COMPOSE = (ROOT / "deploy/compose/compose.traces.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "span",
    [
        *(route.span for route in Route),
        scheduling.NAME,
        deciding.STAGE,
        deciding.BY_NATS,
        projecting.STAGE,
    ],
)
def test_each_span_is_on_the_page(span: str) -> None:
    assert re.search(rf"^\| .*`{span}`", PAGE, re.MULTILINE)


def test_the_page_says_how_many_spans_wait() -> None:
    assert f"{traces.CAPACITY:,} spans wait" in PAGE


@pytest.mark.parametrize("service", Service)
def test_each_service_is_traced_by_the_compose_file(service: str) -> None:
    assert f"\n  {service}: *traced\n" in COMPOSE
    assert f"`etp-{service}`" in PAGE
