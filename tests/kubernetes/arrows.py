"""Connections, as ARCHITECTURE.md lists them and as network policies allow them."""

import re

from tests.kubernetes.manifests import ROOT, Manifest, Workload, of_kind, selects, workloads

Arrow = tuple[str, str, int]
"""From, to, port; names as ARCHITECTURE.md has them."""

ELSEWHERE = {
    "monitoring": "Prometheus",
    "keda": "KEDA",
    "gateway": "callers",
    "databases": "postgres",
}
"""Who is meant by a namespace that is not the platform's."""

NAMES = {"valkey": "valkey", "opentelemetry-collector": "trace collector"}
"""Pods that no manifest of ours makes, by what they are called."""


def listed() -> set[Arrow]:
    """The table of ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text.partition("### Who connects to whom")[2].partition("\n\nServices never")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| (\d+) \|", table, re.MULTILINE)
    return {
        (source, target, int(port))
        for sources, targets, port in rows
        for source in sources.split(", ")
        for target in targets.split(", ")
    }


def let_in(found: list[Manifest]) -> set[Arrow]:
    """What some policy allows to come into each pod of ours."""
    return {arrow for arrows in let_in_by_policy(found).values() for arrow in arrows}


def let_in_by_policy(found: list[Manifest]) -> dict[str, set[Arrow]]:
    """Of each policy that lets somebody in."""
    return {
        name: {
            (source, target.service, _number(port["port"], target))
            for target in _pods(policy["spec"]["podSelector"], found)
            for rule in policy["spec"]["ingress"]
            for source in _peers(rule.get("from"), found)
            for port in rule["ports"]
        }
        for name, policy in of_kind(found, "NetworkPolicy").items()
        if "ingress" in policy["spec"]
    }


def let_out(found: list[Manifest]) -> set[Arrow]:
    return {
        (source.service, target, port["port"])
        for policy in of_kind(found, "NetworkPolicy").values()
        for source in _pods(policy["spec"]["podSelector"], found)
        for rule in policy["spec"].get("egress", ())
        for target in _peers(rule.get("to"), found)
        for port in rule["ports"]
    }


def _pods(selector: Manifest, found: list[Manifest]) -> list[Workload]:
    return [one for one in workloads(found) if selects(selector, one.labels)]


def _number(port: int | str, target: Workload) -> int:
    return port if isinstance(port, int) else target.ports[port]


def _peers(peers: list[Manifest] | None, found: list[Manifest]) -> set[str]:
    """Who is meant; nobody named is everybody, which is said of callers alone."""
    if peers is None:
        return {"callers"}
    return {name for peer in peers for name in _names(peer, found)}


def _names(peer: Manifest, found: list[Manifest]) -> set[str]:
    if "ipBlock" in peer:
        return {"receivers of webhooks"}
    pod_labels = (peer.get("podSelector") or {}).get("matchLabels") or {}
    called = pod_labels.get("app.kubernetes.io/name", "").removeprefix("etp-")
    if called in NAMES:
        return {NAMES[called]}
    if "event-trigger-platform/nats-client" in pod_labels:
        return {"NATS clients"}
    if pod_labels.get("k8s-app") == "kube-dns":
        return {"name server"}
    if "namespaceSelector" in peer:
        namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        return {ELSEWHERE[namespace]}
    ours = {one.service for one in _pods(peer["podSelector"], found)}
    return ours or {called}
