"""``compose.traces.yaml`` beside each file of the platform: as Compose puts them together."""

import json
import os
import subprocess

import pytest

from tests.support.engine.packages import ROOT, compose
from tests.support.engine.running import Engine
from trigger_contracts.subjects import Service

COLLECTOR = "jaeger"


@pytest.mark.parametrize("file", ["compose.yaml", "compose.cluster.yaml"])
def test_every_service_sends_to_a_collector_that_it_reaches(engine: Engine, file: str) -> None:
    files = (f"--file={file}", "--file=compose.traces.yaml")
    rendered = subprocess.run(
        [compose(), *files, "config", "--format", "json"],
        cwd=ROOT / "deploy/compose",
        env={**os.environ, **engine.environment},
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
    assert [port["host_ip"] for port in services[COLLECTOR]["ports"]] == ["127.0.0.1"]
