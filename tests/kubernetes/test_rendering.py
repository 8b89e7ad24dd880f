"""Kustomize is the only source: what is written down of it is what it renders today."""

import copy
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.kubernetes import make_secrets, render
from tests.kubernetes.manifests import (
    KUBERNETES,
    OVERLAYS,
    ROOT,
    manifests,
    of_kind,
    read,
    strictly_invalid,
    workloads,
)
from trigger_contracts.targets.sealing import public_of
from trigger_contracts.topology import PERMISSIONS
from trigger_local import nats

OLDEST, NEWEST = 30, 37
"""Minor versions of Kubernetes: from 1.30 on a container's preStop may be a sleep by default."""

FROM_CRDS = {"ScaledObject", "PodMonitor", "PrometheusRule", "HTTPRoute", "ExternalSecret"}
"""Kinds that no Kubernetes knows by itself (tests/kubernetes/test_custom_resources.py)."""


def test_install_yaml_is_the_overlay_try() -> None:
    written = render.INSTALL.read_text(encoding="utf-8")
    assert written == render.installation(), "run deploy/kubernetes/render.py"


def test_the_brokers_configuration_is_what_the_platform_declares() -> None:
    written = render.NATS_CONF.read_text(encoding="utf-8")
    assert written == render.nats_configuration(), "run deploy/kubernetes/render.py"


def test_the_alerts_are_those_of_prometheus_rules() -> None:
    written = render.ALERTS.read_text(encoding="utf-8")
    assert written == render.alerts(), "run deploy/kubernetes/render.py"
    [rule] = read(written)
    [rules] = read(render.RULES.read_text(encoding="utf-8"))
    assert rule["spec"] == rules


def test_the_dashboards_are_what_grafana_is_given() -> None:
    held = of_kind(manifests("production"), "ConfigMap")["etp-dashboards"]
    folder = ROOT / "deploy" / "monitoring" / "grafana" / "dashboards"
    assert held["data"] == {path.name: path.read_text() for path in folder.glob("*.json")}


def test_the_broker_accepts_its_configuration(tmp_path: Path) -> None:
    """With the variables that its container is given, from Secrets as they are made."""
    [broker] = [w for w in workloads(manifests("try")) if w.name == "etp-nats"]
    secrets, _ = make_secrets.make(None)
    given = {}
    for one in broker.container["env"]:
        match one:
            case {"valueFrom": {"secretKeyRef": {"name": name, "key": key}}}:
                given[one["name"]] = secrets[name][key]
            case {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}:
                given[one["name"]] = "etp-nats-0"
            case _:
                given[one["name"]] = re.sub(
                    r"\$\((\w+)\)", lambda found: given[found[1]], one["value"]
                )
    config = tmp_path / "nats.conf"
    config.write_text(render.nats_configuration(), encoding="utf-8")
    command = [str(nats.binary()), "--config", str(config), "-t"]
    checked = subprocess.run(
        command, env={**os.environ, **given}, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    given.pop("NATS_ADMIN_PASSWORD")
    without = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    assert "NATS_ADMIN_PASSWORD" in without.stderr


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("minor", range(OLDEST, NEWEST + 1))
def test_each_version_of_kubernetes_takes_the_overlays(overlay: str, minor: int) -> None:
    builtin = [one for one in manifests(overlay) if one["kind"] not in FROM_CRDS]
    assert len(builtin) > 20
    assert strictly_invalid(builtin, f"1.{minor}") == []


def test_every_version_of_which_there_are_schemas_is_checked() -> None:
    import kubernetes_validate

    assert kubernetes_validate.latest_version().startswith(f"1.{NEWEST}.")


def test_an_unknown_field_a_wrong_type_and_an_unknown_kind_are_refused() -> None:
    api = copy.deepcopy(of_kind(manifests("try"), "Deployment")["etp-api"])
    api["spec"]["template"]["spec"]["hostNetwrok"] = True
    [unknown] = strictly_invalid([api], f"1.{NEWEST}")
    assert "hostNetwrok" in unknown
    del api["spec"]["template"]["spec"]["hostNetwrok"]
    api["spec"]["replicas"] = "two"
    [wrong] = strictly_invalid([api], f"1.{NEWEST}")
    assert "spec.replicas" in wrong
    api["kind"] = "Deploiment"
    [nothing] = strictly_invalid([api], f"1.{NEWEST}")
    assert "Couldn't find schema for kind Deploiment" in nothing


def test_before_the_oldest_version_a_pod_cannot_wait_for_its_balancers() -> None:
    [problem] = strictly_invalid([of_kind(manifests("try"), "Deployment")["etp-api"]], "1.28")
    assert "sleep" in problem


def test_every_component_renders_on_the_base_alone(tmp_path: Path) -> None:
    components = sorted((KUBERNETES / "components").iterdir())
    assert len(components) == 7
    for component in components:
        folder = tmp_path / component.name
        folder.mkdir()
        base, its = (os.path.relpath(one, folder) for one in (KUBERNETES / "base", component))
        (folder / "kustomization.yaml").write_text(
            f"resources: [{base}]\ncomponents: [{its}]\n", encoding="utf-8"
        )
        found = read(render.rendered(folder))
        assert len(found) > len(read(render.rendered(KUBERNETES / "base"))), component.name


def test_the_base_has_no_server_and_nothing_has_a_secret() -> None:
    base = read(render.rendered(KUBERNETES / "base"))
    assert {w.name for w in workloads(base)} == {
        *(f"etp-{one}" for one in ("api", "scheduler", "executor", "deliver", "retention")),
        "etp-provision",
    }
    for overlay in OVERLAYS:
        assert of_kind(manifests(overlay), "Secret") == {}


def test_the_platforms_own_image_has_the_version_of_the_code() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for overlay in OVERLAYS:
        for workload in workloads(manifests(overlay)):
            name, _, tag = workload.container["image"].rpartition(":")
            if name.endswith("event-trigger-platform"):
                assert tag == version
            else:
                assert re.fullmatch(r"\d+(\.\d+)*-alpine", tag), workload.container["image"]


def test_the_brokers_passwords_are_those_of_its_users() -> None:
    assert set(make_secrets.NATS_USERS) == {*map(str, PERMISSIONS), "cluster"}


def test_secrets_are_made_for_everything_that_names_one() -> None:
    made, api_key = make_secrets.make(None)
    listed = make_secrets.manifests(made, "event-trigger-platform")
    assert strictly_invalid(listed["items"], f"1.{NEWEST}") == []
    named = set(re.findall(r"(?:secretName|secretKeyRef): *\{?(?:name: )?(etp-\w+)", _sources()))
    assert named == made.keys()
    values = [value for keys in made.values() for value in keys.values()]
    assert api_key not in json.dumps(listed)
    assert all(len(value) > 20 for value in values)


def test_the_gateway_seals_to_the_key_that_who_delivers_has() -> None:
    """Made without the library that checks it here."""
    for _ in range(20):
        made, _key = make_secrets.make(None)
        private = made["etp-deliver"]["sealing-keys"]
        assert made["etp-api"]["sealing-public-key"] == public_of(private)
        holders = [name for name, values in made.items() if private in values.values()]
        assert holders == ["etp-deliver"]


def test_the_first_key_is_said_once_and_its_hash_is_kept() -> None:
    """By the program as it is called: it needs nothing that is installed."""
    program = KUBERNETES / "make_secrets.py"
    command = [sys.executable, "-I", "-S", str(program), "--namespace", "elsewhere"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    listed = json.loads(done.stdout)["items"]
    assert {one["metadata"]["namespace"] for one in listed} == {"elsewhere"}
    [kept] = [one["stringData"] for one in listed if one["metadata"]["name"] == "etp-api"]
    key_id, secret = re.search(r"etp_([0-9a-f]+)\.(\S+)", done.stderr).groups()
    digest = hashlib.sha256(secret.encode()).hexdigest()
    assert kept["bootstrap-key-hash"] == f"{key_id}:{digest}"
    assert secret not in done.stdout


def test_secrets_for_a_postgresql_elsewhere_keep_its_host_and_options() -> None:
    url = "postgresql://boss:secret@db.example.com:6432/triggers?sslmode=verify-full"
    made, _ = make_secrets.make(url)
    assert "etp-postgres" not in made
    assert made["etp-admin"]["database-url"] == url
    password = made["etp-admin"]["retention-password"]
    assert made["etp-retention"]["database-url"] == (
        f"postgresql://etp_retention:{password}@db.example.com:6432/triggers?sslmode=verify-full"
    )
    assert "database-url" not in made["etp-executor"]
    assert made["etp-deliver"]["database-url"].startswith("postgresql://etp_executor:")
    assert made["etp-deliver"]["nats-password"] == made["etp-executor"]["nats-password"]


def _sources() -> str:
    files = (KUBERNETES / "base", KUBERNETES / "components")
    return "".join(path.read_text() for folder in files for path in sorted(folder.rglob("*.yaml")))
