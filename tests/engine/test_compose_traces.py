"""``compose.traces.yaml`` beside each file of the platform: as Compose puts them together."""

import json
import os
import subprocess

import pytest

from tests.support.engine.packages import ROOT, compose
from tests.support.engine.running import Engine
from trigger_contracts.subjects import Service

COLLECTOR = "jaeger"
BROKERS = {"compose.yaml": "nats", "compose.cluster.yaml": "nats-1"}


@pytest.mark.parametrize("file", BROKERS)
def test_every_service_sends_to_a_collector_that_it_reaches(engine: Engine, file: str) -> None:
    files = (f"--file={file}", "--file=compose.traces.yaml")
    rendered = subprocess.run(
        [compose(), *files, "config", "--format", "json"],
        cwd=ROOT / "deploy/compose",
        env={**os.environ, **engine.environment, "ETP_JAEGER_PORT": "12345"},
        check=True,
        capture_output=True,
    )
    services = json.loads(rendered.stdout)["services"]
    for name in Service:
        told = services[name]["environment"]
        assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://{COLLECTOR}:4318"
        assert told["ETP_TRACE_RATIO"] == "1"
        assert told["ETP_NATS_USER"] == name
        assert services[name]["networks"].keys() & services[COLLECTOR]["networks"].keys()
    collector, broker = services[COLLECTOR], services[BROKERS[file]]
    for hardening in ("read_only", "cap_drop", "security_opt", "logging", "restart"):
        assert collector[hardening] == broker[hardening]
    assert [port["published"] for port in collector["ports"]] == ["12345"]
    assert [port["host_ip"] for port in services[COLLECTOR]["ports"]] == ["127.0.0.1"]
