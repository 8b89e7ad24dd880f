"""The network policies allow exactly the connections that ARCHITECTURE.md lists."""

import copy

import pytest

from tests.kubernetes.arrows import let_in, let_out, listed
from tests.kubernetes.manifests import OVERLAYS, manifests, of_kind, selects, workloads

overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def test_the_architecture_lists_what_it_says() -> None:
    arrows = listed()
    assert len(arrows) == 25
    assert ("executor", "nats", 4222) in arrows
    assert not [arrow for arrow in arrows if arrow[:2] == ("executor", "postgres")]


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
