"""The manifests of deploy/kubernetes as kubectl renders them, and what one asks of them."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.kubernetes import render

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("try", "production")
SERVICES = ("api", "scheduler", "executor", "deliver", "retention")
"""With the executor's second role, which is a Deployment of its own."""

Manifest = dict[str, Any]


@functools.cache
def rendered(overlay: str) -> str:
    return render.rendered(KUBERNETES / "overlays" / overlay)


def read(text: str) -> list[Manifest]:
    import yaml  # with requirements/kubernetes.txt alone

    return [one for one in yaml.safe_load_all(text) if one]


@functools.cache
def manifests(overlay: str) -> list[Manifest]:
    """Whoever changes one works on a copy."""
    return read(rendered(overlay))


def of_kind(found: list[Manifest], *kinds: str) -> dict[str, Manifest]:
    """By name."""
    return {one["metadata"]["name"]: one for one in found if one["kind"] in kinds}


@dataclass(frozen=True, slots=True)
class Workload:
    """Something that makes pods."""

    kind: str
    name: str
    manifest: Manifest

    @property
    def template(self) -> Manifest:
        spec = self.manifest["spec"]
        return (spec["jobTemplate"]["spec"] if self.kind == "CronJob" else spec)["template"]

    @property
    def labels(self) -> Mapping[str, str]:
        return self.template["metadata"]["labels"]

    @property
    def pod(self) -> Manifest:
        return self.template["spec"]

    @property
    def ends(self) -> bool:
        """Whether its pods are done at some time."""
        return self.kind in {"Job", "CronJob"}

    @property
    def container(self) -> Manifest:
        """The only one."""
        (one,) = self.pod["containers"]
        return one

    @property
    def service(self) -> str:
        """``api`` of ``etp-api``."""
        return self.name.removeprefix("etp-")

    @property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self.container.get("ports", ())}


def workloads(found: list[Manifest]) -> Iterator[Workload]:
    for one in found:
        if one["kind"] in {"Deployment", "StatefulSet", "Job", "CronJob"}:
            yield Workload(one["kind"], one["metadata"]["name"], one)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """As Kubernetes matches labels; an empty selector matches everything."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for one in selector.get("matchExpressions") or ():
        assert one["operator"] == "In", one
        if labels.get(one["key"]) not in one["values"]:
            return False
    return True


def environment(workload: Workload, found: list[Manifest]) -> dict[str, str | None]:
    """The container's variables; None stands for what a Secret or the pod itself gives."""
    config = of_kind(found, "ConfigMap")
    variables: dict[str, str | None] = {}
    for source in workload.container.get("envFrom", ()):
        variables |= config[source["configMapRef"]["name"]]["data"]
    for one in workload.container.get("env", ()):
        variables[one["name"]] = one.get("value")
        match one.get("valueFrom"):
            case {"configMapKeyRef": {"name": name, "key": key}}:
                variables[one["name"]] = config[name]["data"][key]
    return variables


def strictly_invalid(found: list[Manifest], version: str) -> list[str]:
    """What a version of Kubernetes would refuse or does not know, a sentence each."""
    import kubernetes_validate  # with requirements/kubernetes.txt alone

    problems = []
    for one in found:
        name = f"{one['kind']} {one['metadata']['name']}"
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            problems.append(f"{name}: {where}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError as error:
            problems.append(f"{name}: {error.message}")
    return problems
