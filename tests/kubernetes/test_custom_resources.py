"""The kinds of operators are as these define them, and what they name is there."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from deploy.kubernetes import make_secrets
from tests.kubernetes.custom_resources import TYPES, mistakes
from tests.kubernetes.manifests import (
    KUBERNETES,
    ROOT,
    SERVICES,
    manifests,
    of_kind,
    selects,
    workloads,
)
from trigger_contracts.topology import CONSUMERS, EXECUTOR_DELIVERIES, PLATFORM_ACCOUNT

PRODUCTION = "production"


def test_custom_resources_are_of_their_definitions(tmp_path: Path) -> None:
    found = [one for one in manifests(PRODUCTION) if one["kind"] in TYPES]
    assert {one["kind"] for one in found} == {*TYPES}
    assert mistakes(found, tmp_path) == []


def test_a_mistake_in_a_custom_resource_is_seen(tmp_path: Path) -> None:
    one = copy.deepcopy(of_kind(manifests(PRODUCTION), "ScaledObject")["etp-retention"])
    one["spec"]["maxReplicas"] = one["spec"].pop("maxReplicaCount")
    [mistake] = mistakes([one], tmp_path)
    assert "maxReplicas" in mistake
    assert "does not exist" in mistake


def test_keda_counts_what_waits_at_consumers_that_there_are() -> None:
    found = manifests(PRODUCTION)
    scaled = of_kind(found, "ScaledObject")
    deployments = of_kind(found, "Deployment")
    asked = {}
    for one in scaled.values():
        spec = one["spec"]
        target = spec["scaleTargetRef"]["name"]
        assert target in deployments
        assert 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"]
        for trigger in spec["triggers"]:
            if trigger["type"] == "nats-jetstream":
                about = trigger["metadata"]
                asked[about["stream"], about["consumer"]] = target
                assert about["account"] == PLATFORM_ACCOUNT
                assert int(about["lagThreshold"]) > 0
                host, _, port = about["natsServerMonitoringEndpoint"].partition(":")
                name, namespace, _ = host.split(".")
                service = of_kind(found, "Service")[name]
                assert service["metadata"]["namespace"] == namespace
                assert int(port) in {one["port"] for one in service["spec"]["ports"]}
    # Commands but for fires go to one scheduler, however many there are.
    shared = [consumer for consumer in CONSUMERS if not consumer.exclusive]
    declared = {(one.stream.name, one.durable): f"etp-{one.service}" for one in shared}
    declared[EXECUTOR_DELIVERIES.stream.name, EXECUTOR_DELIVERIES.durable] = "etp-deliver"
    assert asked == declared
    told = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for name in ("etp-scheduler", "etp-deliver"):
        *_, trigger = scaled[name]["spec"]["triggers"]
        assert trigger["type"] == "prometheus"
        for metric in re.findall(r"\betp_\w+", trigger["metadata"]["query"]):
            assert f"`{metric}`" in told


def test_prometheus_finds_every_service_at_a_port_that_it_has() -> None:
    [monitor] = of_kind(manifests(PRODUCTION), "PodMonitor").values()
    spec = monitor["spec"]
    found = [w for w in workloads(manifests(PRODUCTION)) if selects(spec["selector"], w.labels)]
    assert {one.service for one in found} == {*SERVICES}
    for endpoint in spec["podMetricsEndpoints"]:
        assert all(endpoint["port"] in one.ports for one in found)
        assert endpoint["path"] == "/metrics"
    # The names that the alerts know (deploy/monitoring).
    assert {one.labels[spec["jobLabel"]] for one in found} == {one.name for one in found}


def test_the_route_leads_to_the_api() -> None:
    [route] = of_kind(manifests(PRODUCTION), "HTTPRoute").values()
    services = of_kind(manifests(PRODUCTION), "Service")
    for rule in route["spec"]["rules"]:
        for backend in rule["backendRefs"]:
            ports = {port["port"] for port in services[backend["name"]]["spec"]["ports"]}
            assert backend["port"] in ports
    config = [
        one["data"]
        for name, one in of_kind(manifests(PRODUCTION), "ConfigMap").items()
        if name.startswith("etp-api-config")
    ]
    assert urlsplit(config[0]["ETP_PUBLIC_URL"]).netloc in route["spec"]["hostnames"]


def test_every_secret_that_is_made_by_hand_comes_from_a_vault_as_well() -> None:
    made, _ = make_secrets.make("postgresql://owner:secret@db.example.com/etp")
    external = of_kind(manifests(PRODUCTION), "ExternalSecret")
    assert {
        one["spec"]["target"]["name"]: {data["secretKey"] for data in one["spec"]["data"]}
        for one in external.values()
    } == {name: set(values) for name, values in made.items()}


def test_the_entries_for_a_vault_are_those_that_are_looked_for(tmp_path: Path) -> None:
    program, folder = KUBERNETES / "make_secrets.py", tmp_path / "entries"
    url = "postgresql://owner:secret@db.example.com/etp"
    command = [sys.executable, "-I", "-S", program, "--database-url", url, "--entries", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "API key, shown this once: etp_" in done.stderr
    assert folder.stat().st_mode & 0o777 == 0o700
    written = {
        (f"event-trigger-platform/{path.stem}", name)
        for path in folder.iterdir()
        for name in json.loads(path.read_text())
    }
    assert written == {
        (data["remoteRef"]["key"], data["remoteRef"]["property"])
        for one in of_kind(manifests(PRODUCTION), "ExternalSecret").values()
        for data in one["spec"]["data"]
    }
