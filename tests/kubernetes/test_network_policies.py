"""The network policies allow exactly the connections that ARCHITECTURE.md lists."""

import copy
from ipaddress import ip_address, ip_network

import pytest

from tests.kubernetes.arrows import let_in, let_out, listed
from tests.kubernetes.manifests import OVERLAYS, manifests, of_kind, selects, workloads
from trigger_contracts.targets.addresses import Allowance

overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def test_the_architecture_lists_what_it_says() -> None:
    arrows = listed()
    assert len(arrows) == 32
    assert ("executor", "nats", 4222) in arrows
    assert not [arrow for arrow in arrows if arrow[:2] == ("executor", "postgres")]
    outside = {source for source, target, _ in arrows if target == "receivers of webhooks"}
    assert outside == {"deliver"}


@overlays
def test_webhooks_go_to_public_addresses_and_to_ports_that_are_allowed(overlay: str) -> None:
    policy = of_kind(manifests(overlay), "NetworkPolicy")["etp-deliver"]["spec"]
    [outside] = [rule for rule in policy["egress"] if any("ipBlock" in one for one in rule["to"])]
    blocks = [one["ipBlock"] for one in outside["to"]]
    for block in blocks:
        assert ip_network(block["cidr"]).prefixlen == 0
        for refused in map(ip_network, block["except"]):
            assert Allowance().refusal(refused[1], 443) is not None
    refused = [ip_network(one) for block in blocks for one in block["except"]]
    for address in ("10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.100.1.1"):
        assert any(ip_address(address) in one for one in refused if one.version == 4)
    ports = [(one["port"], one.get("endPort", one["port"])) for one in outside["ports"]]
    assert ports == [(443, 443), (80, 80), (1024, 65535)]


@overlays
def test_exactly_the_arrows_to_our_pods_are_let_in(overlay: str) -> None:
    found = manifests(overlay)
    ours = {one.service for one in workloads(found)}
    wanted = {arrow for arrow in listed() if arrow[1] in ours}
    if overlay == "try":  # without Prometheus, KEDA and the component backup
        absent = {"Prometheus", "KEDA", "backup", "restore"}
        wanted = {arrow for arrow in wanted if arrow[0] not in absent}
    assert let_in(found) == wanted


@overlays
def test_exactly_the_arrows_of_our_pods_are_let_out(overlay: str) -> None:
    found = manifests(overlay)
    ours = {one.service for one in workloads(found)}
    wanted = {arrow for arrow in listed() if arrow[0] in ours}
    if overlay == "try":
        wanted = {arrow for arrow in wanted if arrow[1] != "trace collector"}
    names = {(one, "name server", 53) for one in ours}
    assert let_out(found) == wanted | names


@overlays
def test_what_no_policy_names_is_refused_to_every_pod_of_ours(overlay: str) -> None:
    policy = of_kind(manifests(overlay), "NetworkPolicy")["etp-deny-all"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert policy.keys().isdisjoint({"ingress", "egress"})
    assert all(selects(policy["podSelector"], one.labels) for one in workloads(manifests(overlay)))


def test_an_arrow_more_or_less_is_seen() -> None:
    found = copy.deepcopy(manifests("try"))
    postgres = of_kind(found, "NetworkPolicy")["etp-postgres"]["spec"]
    [names] = postgres["ingress"][0]["from"][0]["podSelector"]["matchExpressions"]
    names["values"].remove("etp-retention")
    names["values"].append("etp-executor")
    assert let_in(found) ^ let_in(manifests("try")) == {
        ("retention", "postgres", 5432),
        ("executor", "postgres", 5432),
    }
