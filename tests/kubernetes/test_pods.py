"""What schemas cannot see of workloads, and of what belongs to them."""

import asyncio
import re
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import pytest

from deploy.kubernetes import make_secrets
from tests.kubernetes.manifests import (
    OVERLAYS,
    SERVICES,
    Manifest,
    Workload,
    environment,
    manifests,
    of_kind,
    selects,
    workloads,
)
from trigger_local.programs import DRAIN_TIMEOUT
from trigger_runtime.http.health import Health, HealthApp

EACH = [
    *((overlay, kind) for overlay in OVERLAYS for kind in ("Deployment", "StatefulSet", "Job")),
    ("production", "CronJob"),
]
each = pytest.mark.parametrize(("overlay", "kind"), EACH)
overlays = pytest.mark.parametrize("overlay", OVERLAYS)

UNITS = {"": 1, "m": Decimal("0.001"), "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def all_of(overlay: str, kind: str) -> list[Workload]:
    found = [w for w in workloads(manifests(overlay)) if w.kind == kind]
    assert found
    return found


def quantity(text: str) -> Decimal:
    number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]*)", str(text)).groups()
    return Decimal(number) * UNITS[unit]


@each
def test_a_selector_finds_its_own_pods_and_no_others(overlay: str, kind: str) -> None:
    if kind in {"Job", "CronJob"}:  # its selector is made by Kubernetes
        assert all("selector" not in one.manifest["spec"] for one in all_of(overlay, kind))
        return
    for one in all_of(overlay, kind):
        selector = one.manifest["spec"]["selector"]
        found = [w.name for w in workloads(manifests(overlay)) if selects(selector, w.labels)]
        assert found == [one.name]
        assert one.labels["app.kubernetes.io/part-of"] == "event-trigger-platform"


@overlays
def test_a_service_finds_pods_and_their_named_ports(overlay: str) -> None:
    found = of_kind(manifests(overlay), "Service")
    assert found.keys() >= {"etp-api", "etp-nats", "etp-nats-nodes"}
    for service in found.values():
        selector = {"matchLabels": service["spec"]["selector"]}
        [one] = [w for w in workloads(manifests(overlay)) if selects(selector, w.labels)]
        for port in service["spec"]["ports"]:
            assert one.ports[port["targetPort"]] == port["port"]
    for one in all_of(overlay, "StatefulSet"):
        assert one.manifest["spec"]["serviceName"] in found


@overlays
def test_each_workload_that_goes_on_has_one_disruption_budget(overlay: str) -> None:
    budgets = of_kind(manifests(overlay), "PodDisruptionBudget").values()
    lasting = [w for w in workloads(manifests(overlay)) if not w.ends]
    assert len(budgets) == len(lasting)
    for one in lasting:
        [budget] = [b for b in budgets if selects(b["spec"]["selector"], one.labels)]
        # Also where there is one replica only, a node can be emptied.
        assert budget["spec"]["maxUnavailable"] == 1


@each
def test_no_pod_has_a_privilege(overlay: str, kind: str) -> None:
    for one in all_of(overlay, kind):
        pod, container = one.pod, one.container
        assert pod.keys().isdisjoint({"hostNetwork", "hostPID", "hostIPC", "initContainers"})
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        kinds = {kind for volume in pod["volumes"] for kind in volume} - {"name"}
        assert kinds <= {"emptyDir", "secret", "configMap", "persistentVolumeClaim"}
        account = of_kind(manifests(overlay), "ServiceAccount")[pod["serviceAccountName"]]
        assert account["automountServiceAccountToken"] is False


@each
def test_what_is_written_is_a_volume_and_memory_is_bounded(overlay: str, kind: str) -> None:
    for one in all_of(overlay, kind):
        volumes = {volume["name"]: volume for volume in one.pod["volumes"]}
        claims = {
            claim["metadata"]["name"]
            for claim in one.manifest["spec"].get("volumeClaimTemplates", ())
        }
        mounts = {mount["name"]: mount for mount in one.container["volumeMounts"]}
        assert mounts.keys() == volumes.keys() | claims
        assert mounts["tmp"]["mountPath"] == "/tmp"
        for name, volume in volumes.items():
            if "emptyDir" in volume:
                assert volume["emptyDir"]["medium"] == "Memory"
                assert volume["emptyDir"]["sizeLimit"]
            elif one.service != "backup" or "persistentVolumeClaim" not in volume:
                assert mounts[name]["readOnly"] is True


@each
def test_requests_are_within_limits(overlay: str, kind: str) -> None:
    for one in all_of(overlay, kind):
        resources = one.container["resources"]
        assert resources["requests"].keys() == {"cpu", "memory"}
        assert "memory" in resources["limits"]
        for name, limit in resources["limits"].items():
            assert quantity(resources["requests"][name]) <= quantity(limit)


@overlays
def test_the_broker_collects_garbage_before_its_limit(overlay: str) -> None:
    container = of_kind(manifests(overlay), "StatefulSet")["etp-nats"]
    [container] = container["spec"]["template"]["spec"]["containers"]
    [told] = [one["value"] for one in container["env"] if one["name"] == "GOMEMLIMIT"]
    limit = quantity(container["resources"]["limits"]["memory"])
    assert Decimal("0.7") < quantity(told.removesuffix("B")) / limit < Decimal("0.9")


@overlays
def test_only_secrets_that_are_made_are_named(overlay: str) -> None:
    made, _ = make_secrets.make(None)
    for one in workloads(manifests(overlay)):
        named = {
            (ref["name"], ref["key"])
            for variable in one.container.get("env", ())
            if (ref := variable.get("valueFrom", {}).get("secretKeyRef"))
        }
        folders = secret_folders(one)
        for variable, value in environment(one, manifests(overlay)).items():
            if variable.endswith("_FILE"):
                path = PurePosixPath(value)
                named.add((folders[str(path.parent)], path.name))
        used = {(secret, key) for secret, key in named if key in made[secret]}
        assert used == named
        assert {secret for secret, _ in named} >= set(folders.values())


def secret_folders(one: Workload) -> dict[str, str]:
    """The Secret that is mounted at each path."""
    secrets = {
        volume["name"]: volume["secret"]["secretName"]
        for volume in one.pod["volumes"]
        if "secret" in volume
    }
    return {
        mount["mountPath"]: secrets[mount["name"]]
        for mount in one.container["volumeMounts"]
        if mount["name"] in secrets
    }


@overlays
def test_no_password_stands_in_a_manifest(overlay: str) -> None:
    for one in workloads(manifests(overlay)):
        for name, value in environment(one, manifests(overlay)).items():
            if re.search("PASSWORD|SECRET|HASH|DATABASE_URL", name):
                assert value is None or name.endswith("_FILE"), name


@pytest.mark.parametrize("service", SERVICES)
@overlays
def test_a_service_is_asked_three_questions_that_it_answers(overlay: str, service: str) -> None:
    one = workload(overlay, service)
    asked = {
        name: one.container[f"{name}Probe"]["httpGet"]
        for name in ("startup", "readiness", "liveness")
    }
    assert {name: get["path"] for name, get in asked.items()} == {
        "startup": "/ready",
        "readiness": "/serving",
        "liveness": "/health",
    }
    assert {get["port"] for get in asked.values()} == {"operations"}
    assert one.ports["operations"] == 8081
    app = HealthApp(Health(service))
    for get in asked.values():
        assert asyncio.run(status(app, get["path"])) != 404


async def status(app: HealthApp, path: str) -> int:
    said: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    await app(scope, None, send)
    return said[0]["status"]


@pytest.mark.parametrize("service", SERVICES)
@overlays
def test_a_rollout_takes_nothing_away(overlay: str, service: str) -> None:
    one = workload(overlay, service)
    rolling = one.manifest["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 1, "maxUnavailable": 0}
    pause = one.container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pause + DRAIN_TIMEOUT < one.pod["terminationGracePeriodSeconds"]
    # Balancers see that it goes before it stops taking requests.
    readiness = one.container["readinessProbe"]
    assert readiness["periodSeconds"] * readiness["failureThreshold"] < pause


@overlays
def test_replicas_are_spread_over_zones_and_nodes(overlay: str) -> None:
    for one in workloads(manifests(overlay)):
        if one.ends or one.name == "etp-postgres":  # one pod each
            continue
        spread = one.pod["topologySpreadConstraints"]
        assert [constraint["topologyKey"] for constraint in spread] == [
            "topology.kubernetes.io/zone",
            "kubernetes.io/hostname",
        ]
        for constraint in spread:
            assert selects(constraint["labelSelector"], one.labels)
            keys = set(constraint.get("matchLabelKeys", ())) - {"pod-template-hash"}
            # Whether by value or by the pod's own, only this workload's pods are counted.
            counted = {**constraint["labelSelector"]["matchLabels"]} | {
                key: one.labels[key] for key in keys
            }
            assert counted["app.kubernetes.io/name"] == one.name


@overlays
def test_two_replicas_of_everything_unless_something_else_counts_them(overlay: str) -> None:
    scaled = {
        one["spec"]["scaleTargetRef"]["name"]
        for one in of_kind(manifests(overlay), "ScaledObject").values()
    }
    for one in all_of(overlay, "Deployment"):
        assert one.manifest["spec"].get("replicas") == (None if one.name in scaled else 2)
    broker = of_kind(manifests(overlay), "StatefulSet")["etp-nats"]["spec"]
    assert (broker["replicas"], broker["podManagementPolicy"]) == (3, "Parallel")


@overlays
def test_the_job_keeps_as_many_copies_as_the_broker_has_nodes(overlay: str) -> None:
    [job] = all_of(overlay, "Job")
    nodes = of_kind(manifests(overlay), "StatefulSet")["etp-nats"]["spec"]["replicas"]
    assert job.container["args"] == ["--replicas", str(nodes)]
    assert job.manifest["spec"]["backoffLimit"] > 0


@overlays
def test_everything_is_in_the_platforms_namespace(overlay: str) -> None:
    [namespace] = of_kind(manifests(overlay), "Namespace")
    others: list[Manifest] = [one for one in manifests(overlay) if one["kind"] != "Namespace"]
    assert {one["metadata"]["namespace"] for one in others} == {namespace}


def workload(overlay: str, service: str) -> Workload:
    [one] = [w for w in all_of(overlay, "Deployment") if w.service == service]
    return one
