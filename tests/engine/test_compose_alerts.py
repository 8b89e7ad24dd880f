"""The Prometheus of ``deploy/compose/compose.yaml`` as it is, with the rules beside it."""

import pytest

from tests.engine.outage import Outage

pytestmark = pytest.mark.timeout(900)

OVER_S = 600
"""Within which it has all been seen: four waits of ``tests/engine/watching.py``."""


def test_its_prometheus_raises_an_alert_for_a_service_that_is_gone(outage: Outage) -> None:
    seen = outage.seen(OVER_S)
    assert set(seen.judged.values()) <= {"ok", "unknown"}
    print(f"executor stopped: its alert fires after {seen.until_fired:.0f} s")
    print(f"executor started: its alert ended after {seen.until_ended:.0f} s")
