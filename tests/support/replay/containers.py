"""A pod template as a container: what its YAML says, in the engine's words."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.models.containers import Container

from tests.kubernetes.manifests import Manifest, Workload, of_kind

Secrets = Mapping[str, Mapping[str, str]]

_REFERENCE = re.compile(r"\$\(([A-Z0-9_]+)\)")


def create(
    client: DockerClient,
    one: Workload,
    pod: str,
    *,
    found: list[Manifest],
    secrets: Secrets,
    folder: Path,
    image: str,
    networks: list[str],
    aliases: list[str],
) -> Container:
    """Created, on its networks, and not started. ``folder`` is for its files."""
    spec, template = one.container, one.pod
    security, context = template["securityContext"], spec["securityContext"]
    assert networks, f"no policy has {pod} on a network"
    tmpfs, binds = _volumes(one, found, secrets, folder / pod)
    api = client.api
    made = api.create_container(
        image,
        spec.get("args") if "command" not in spec else None,
        entrypoint=[*spec["command"], *spec.get("args", ())] if "command" in spec else None,
        name=f"{folder.name}-{pod}",
        hostname=pod,
        user=f"{security['runAsUser']}:{security['runAsGroup']}",
        environment=variables(one, pod, found, secrets),
        host_config=api.create_host_config(
            read_only=context["readOnlyRootFilesystem"],
            cap_drop=context["capabilities"]["drop"],
            security_opt=[] if context["allowPrivilegeEscalation"] else ["no-new-privileges"],
            group_add=[str(security["fsGroup"])],
            mem_limit=_bytes(spec["resources"]["limits"]["memory"]),
            tmpfs=tmpfs,
            binds=binds,
        ),
        networking_config=api.create_networking_config(
            {networks[0]: api.create_endpoint_config(aliases=aliases)}
        ),
    )
    for network in networks[1:]:
        client.networks.get(network).connect(made["Id"], aliases=aliases)
    return client.containers.get(made["Id"])


def claim(folder: Path, name: str) -> Path:
    """Where in the folder of all pods is what those share that name a claim."""
    return folder / "claims" / name


def variables(one: Workload, pod: str, found: list[Manifest], secrets: Secrets) -> dict[str, str]:
    """As a kubelet makes them: sources first, then each in its order, with references to others."""
    config = of_kind(found, "ConfigMap")
    made: dict[str, str] = {}
    for source in one.container.get("envFrom", ()):
        made |= config[source["configMapRef"]["name"]]["data"]
    for variable in one.container.get("env", ()):
        match variable:
            case {"valueFrom": {"secretKeyRef": {"name": name, "key": key}}}:
                value = secrets[name][key]
            case {"valueFrom": {"configMapKeyRef": {"name": name, "key": key}}}:
                value = config[name]["data"][key]
            case {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}:
                value = pod
            case _:
                value = _REFERENCE.sub(lambda found: made[found[1]], variable["value"])
        made[variable["name"]] = value
    return made


def _volumes(
    one: Workload, found: list[Manifest], secrets: Secrets, folder: Path
) -> tuple[dict[str, str], list[str]]:
    """Memory for each emptyDir; folders of this machine for everything else."""
    tmpfs: dict[str, str] = {}
    binds: list[str] = []
    volumes = {volume["name"]: volume for volume in one.pod["volumes"]}
    group = one.pod["securityContext"]["fsGroup"]
    for mount in one.container["volumeMounts"]:
        place = folder / mount["name"]
        match volumes.get(mount["name"]):
            case {"emptyDir": {"medium": "Memory", "sizeLimit": size}}:
                tmpfs[mount["mountPath"]] = f"size={_bytes(size)},mode=1777"
                continue
            case {"secret": {"secretName": name, "defaultMode": mode}}:
                _write(place, secrets[name], group, mode)
            case {"configMap": {"name": name}}:
                _write(place, of_kind(found, "ConfigMap")[name]["data"], group, 0o644)
            case {"persistentVolumeClaim": {"claimName": name}}:
                place = claim(folder.parent, name)
                _claimed(place, group)
            case _:  # a claim of this pod's own
                _claimed(place, group)
        mode = "ro" if mount.get("readOnly") else "rw"
        binds.append(f"{place}:{mount['mountPath']}:{mode}")
    return tmpfs, binds


def _claimed(place: Path, group: int) -> None:
    place.mkdir(parents=True, exist_ok=True)
    os.chown(place, 0, group)
    place.chmod(0o2775)


def _write(place: Path, held: Mapping[str, str], group: int, mode: int) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for name, text in held.items():
        (place / name).write_text(text, encoding="utf-8")
        os.chown(place / name, 0, group)
        (place / name).chmod(mode)


def _bytes(quantity: Any) -> int:
    number, unit = re.fullmatch(r"(\d+)([KMG]i)", str(quantity)).groups()
    return int(number) * 2 ** {"Ki": 10, "Mi": 20, "Gi": 30}[unit]
