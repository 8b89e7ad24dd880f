"""Network policies as networks: one for each that lets somebody in.

On it are the pods that it is about and those that it lets in and that may go there. Nothing leads
from one network to another, so two pods reach each other only if some policy has both. A network
knows no ports, and its sources see each other: that policies name the right ports is tested
statically (tests/kubernetes/test_network_policies.py).
"""

from docker import DockerClient
from docker.models.networks import Network

from tests.kubernetes.arrows import let_in_by_policy, let_out
from tests.kubernetes.manifests import Manifest, Workload, of_kind, selects, workloads


def members(found: list[Manifest]) -> dict[str, set[str]]:
    """The workloads on each policy's network, by their services' names."""
    ours = {one.service for one in workloads(found)}
    out = let_out(found)
    return {
        policy: {target for _, target, _ in arrows}
        | {arrow[0] for arrow in arrows if arrow[0] in ours and arrow in out}
        for policy, arrows in let_in_by_policy(found).items()
    }


def aliases(one: Workload, pod: str, found: list[Manifest]) -> list[str]:
    """The names by which others reach the pod: of its Services, and its own in a headless one."""
    names = []
    for name, service in of_kind(found, "Service").items():
        if selects({"matchLabels": service["spec"]["selector"]}, one.labels):
            headless = service["spec"].get("clusterIP") == "None"
            names.append(f"{pod}.{name}" if headless else name)
    return names


class Networks:
    """The networks of one replay; ``close`` removes them."""

    def __init__(self, client: DockerClient, found: list[Manifest], prefix: str) -> None:
        self._prefix = prefix
        self._made: dict[str, Network] = {
            policy: client.networks.create(f"{prefix}-{policy}", driver="bridge", internal=True)
            for policy in members(found)
        }

    def of(self, one: Workload, found: list[Manifest]) -> list[str]:
        """The networks that a pod is on, by what ``found`` allows: the policies, or others."""
        return [
            self._made[policy].name
            for policy, services in members(found).items()
            if one.service in services
        ]

    def close(self) -> None:
        for network in self._made.values():
            network.remove()
