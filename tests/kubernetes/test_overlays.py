"""``production`` is ``try`` but for what is named here, so the replay of ``try`` speaks for both.

Only ``try`` runs on an engine (tests/engine/test_replay.py): the rest of ``production`` is of
operators and of a PostgreSQL that no engine has.
"""

import re
from collections.abc import Iterator
from typing import Any

from tests.kubernetes.manifests import Manifest, Workload, manifests, of_kind, workloads

SIZES = r"containers\.\w+\.(image|resources\.(requests\.(cpu|memory)|limits\.memory))"
DIFFERENT = {
    "Deployment": SIZES,
    "Job": SIZES,
    "StatefulSet": rf"{SIZES}|containers\.nats\.env\.GOMEMLIMIT\.value|affinity",
}
"""Where pods of the same workload may differ."""

ELSEWHERE = {"etp-api", "etp-scheduler", "etp-deliver", "etp-retention", "etp-provision"}
"""Policies that name PostgreSQL."""

_HASH = re.compile(r"-[2456789bcdfghkmt]{10}$")
"""Kustomize's, of a ConfigMap's content."""


def differences(one: Any, other: Any, at: str = "") -> Iterator[str]:
    """Paths of what is not the same in both."""
    match one, other:
        case (dict(), dict()):
            for key in one.keys() | other.keys():
                yield from differences(one.get(key), other.get(key), f"{at}.{key}".lstrip("."))
        case (list(), list()) if len(one) == len(other):
            for number, pair in enumerate(zip(one, other, strict=True)):
                yield from differences(*pair, f"{at}.{number}")
        case _ if one != other:
            yield at


def of(overlay: str) -> dict[str, Workload]:
    return {one.name: one for one in workloads(manifests(overlay))}


def configured(overlay: str) -> dict[str, Manifest]:
    """ConfigMaps without the hash of their content."""
    return {
        _HASH.sub("", name): one["data"]
        for name, one in of_kind(manifests(overlay), "ConfigMap").items()
    }


def plain(value: Any) -> Any:
    """The same with ConfigMaps named as they are written down, and lists by the names of theirs."""
    match value:
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case list() if value and all(isinstance(one, dict) and "name" in one for one in value):
            return {one["name"]: plain(one) for one in value}
        case list():
            return [plain(one) for one in value]
        case str() if value.startswith("etp-"):
            return _HASH.sub("", value)
        case _:
            return value


def test_production_has_every_workload_but_the_database_and_backups_besides() -> None:
    tried, produced = of("try").keys(), of("production").keys()
    assert tried - produced == {"etp-postgres"}
    assert produced - tried == {"etp-backup", "etp-restore"}


def test_pods_of_production_are_those_of_try_but_for_their_sizes() -> None:
    tried, produced = of("try"), of("production")
    for name in tried.keys() & produced.keys():
        one, other = tried[name], produced[name]
        found = set(differences(plain(one.pod), plain(other.pod)))
        unexpected = {at for at in found if not re.fullmatch(DIFFERENT[one.kind], at)}
        assert unexpected == set(), name
        assert one.template["metadata"] == other.template["metadata"]
        rest = ({**w.manifest["spec"], "template": None} for w in (one, other))
        assert set(differences(*rest)) <= {"replicas"}


def test_a_variable_stands_before_those_that_refer_to_it() -> None:
    """The order is all that the comparison above leaves out, and a kubelet resolves by it."""
    for overlay in ("try", "production"):
        for one in of(overlay).values():
            told = list[str]()
            for variable in one.container.get("env", ()):
                referred = re.findall(r"\$\((\w+)\)", variable.get("value", ""))
                assert set(referred) <= {*told}, (one.name, variable)
                told.append(variable["name"])


def test_programs_are_told_the_same_but_for_the_gateway_before_the_api() -> None:
    tried, produced = configured("try"), configured("production")
    assert produced.keys() - tried.keys() == {"etp-dashboards"}
    found = set(differences(tried, {name: produced[name] for name in tried}))
    before_it = ("ETP_PUBLIC_URL", "ETP_HTTP_CONNECTIONS_OF_ONE")
    assert found == {f"etp-api-config.{name}" for name in before_it}


def test_policies_are_the_same_but_for_callers_and_the_database() -> None:
    tried, produced = (
        of_kind(manifests(overlay), "NetworkPolicy") for overlay in ("try", "production")
    )
    assert tried.keys() - produced.keys() == {"etp-postgres"}
    found = {
        (name, at)
        for name in tried.keys() & produced.keys()
        for at in differences(tried[name]["spec"], produced[name]["spec"])
    }
    assert {name for name, _ in found} == {*ELSEWHERE, "etp-callers"}


def test_services_and_budgets_are_the_same() -> None:
    for kind in ("Service", "PodDisruptionBudget", "ServiceAccount"):
        tried, produced = (of_kind(manifests(overlay), kind) for overlay in ("try", "production"))
        for name in tried.keys() - {"etp-postgres"}:
            assert produced[name] == tried[name]


def test_a_difference_that_nobody_named_is_seen() -> None:
    api = of("try")["etp-api"].pod
    other = {**api, "hostNetwork": True, "containers": [{**api["containers"][0], "ports": []}]}
    assert set(differences(api, other)) == {"hostNetwork", "containers.0.ports"}
