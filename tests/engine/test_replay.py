"""``deploy/kubernetes/install.yaml`` on a container engine: up, at work, backed up and rolled."""

import copy
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.models.containers import Container

from deploy.kubernetes import make_secrets, render
from tests.kubernetes.conftest import tools
from tests.kubernetes.manifests import KUBERNETES, SERVICES, Manifest, Workload, of_kind, read
from tests.support.engine.running import Engine
from tests.support.replay.cluster import Cluster, replayed
from tests.support.replay.load import Client, Load
from tests.support.replay.networks import members
from tests.support.replay.pods import KILLED, until
from trigger_admin import backup
from trigger_contracts import topology

__all__ = ["tools"]

NO_ROOT = "the files of a pod belong to its user: only root can make them"

LOGGED_S = 30
"""Within which an accepted fire is in the log."""


@pytest.fixture(scope="module")
def secrets() -> tuple[dict[str, dict[str, str]], str]:
    return make_secrets.make(None)


@pytest.fixture(scope="module")
def cluster(engine: Engine, image: str, tools: None, secrets) -> Iterator[Cluster]:
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail(NO_ROOT)
        pytest.skip(NO_ROOT)
    made, _ = secrets
    found = read(render.INSTALL.read_text(encoding="utf-8"))
    found += component("backup", beside=found)
    with replayed(engine.client, found, made, image) as cluster:
        yield cluster


def component(name: str, *, beside: list[Manifest]) -> list[Manifest]:
    """What it adds to the installation, where an overlay like its own includes it."""

    def known(one: Manifest) -> tuple[str, str]:
        return one["kind"], one["metadata"]["name"]

    there = {known(one) for one in beside}
    with tempfile.TemporaryDirectory() as folder:
        # With what its files are shared with beside it.
        shutil.copytree(KUBERNETES.parent, folder, dirs_exist_ok=True)
        copied = Path(folder, KUBERNETES.name, "overlays", "try")
        overlay = copied / "kustomization.yaml"
        before, listed, after = overlay.read_text().partition("components:\n")
        overlay.write_text(f"{before}{listed}  - ../../components/{name}\n{after}")
        whole = read(render.rendered(copied))
    return [one for one in whole if known(one) not in there]


@pytest.fixture(scope="module")
def client(cluster: Cluster, secrets) -> Client:
    return Client(cluster.callers, secrets[1])


@pytest.fixture(scope="module")
def trigger(client: Client) -> str:
    status, body = client.ask("POST", "/triggers/", {"name": "replayed", "type": "api"})
    assert status == 201, body
    return json.loads(body)["id"]


def logged(client: Client, trigger: str) -> Counter[str]:
    """How often each event of the trigger is in the log."""
    status, body = client.ask("GET", f"/events/export?format=ndjson&trigger_id={trigger}")
    assert status == 200, body
    return Counter(json.loads(line)["id"] for line in body.splitlines())


def test_every_pod_is_ready_and_lives(cluster: Cluster) -> None:
    counts = {service: len(pods) for service, pods in cluster.pods.items()}
    assert counts == {**dict.fromkeys(SERVICES, 2), "nats": 3, "postgres": 1}
    for pods in cluster.pods.values():
        for pod in pods:
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                assert pod.succeeds(probe), (probe, pod.said())
    assert cluster.job_attempts >= 1


def test_a_pod_is_as_its_yaml_says(cluster: Cluster) -> None:
    for service in SERVICES:
        pod = cluster.pods[service][0]
        status = pod.container.exec_run(["cat", "/proc/1/status"]).output.decode()
        about = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert about["Uid"].split()[0] == about["Gid"].split()[0] == "10001"
        assert int(about["CapEff"], 16) == int(about["CapBnd"], 16) == 0
        assert (about["NoNewPrivs"], about["Seccomp"]) == ("1", "2")
        written = pod.container.exec_run(["touch", "/opt/etp/x"])
        assert b"Read-only file system" in written.output
        assert pod.container.exec_run(["touch", "/tmp/x"]).exit_code == 0
        limit = cluster.workload(service).container["resources"]["limits"]["memory"]
        assert pod.container.attrs["HostConfig"]["Memory"] == int(limit.removesuffix("Mi")) * 2**20


def test_operations_are_not_for_callers(cluster: Cluster) -> None:
    [pod, _] = cluster.pods["api"]
    for path in ("/health", "/ready", "/serving", "/metrics"):
        assert pod.get(8081, path)[0] == 200
        assert pod.get(8080, path)[0] == 404


def test_a_fire_is_in_the_log(client: Client, trigger: str) -> None:
    status, body = client.ask("POST", f"/triggers/{trigger}/fire", {})
    assert status == 202, body
    event = json.loads(body)["event_id"]

    def is_there() -> bool:
        return client.ask("GET", f"/events/{event}")[0] == 200

    until(is_there, LOGGED_S, lambda: f"{event} is not in the log")


def test_who_no_policy_names_reaches_nobody(cluster: Cluster) -> None:
    """The executor needs no database, and does not get there: neither by name nor by address."""
    [postgres] = cluster.pods["postgres"]
    retention, executor = (cluster.pods[name][0].container for name in ("retention", "executor"))
    at = _addresses(postgres.container)
    # Of its networks retention has its own, and others have theirs.
    reached = ["etp-postgres", *(at[network] for network in at.keys() & _addresses(retention))]
    assert len(reached) > 1
    for host in reached:
        assert retention.exec_run([*CONNECT, host]).exit_code == 0
    for host in ("etp-postgres", *at.values()):
        assert executor.exec_run([*CONNECT, host]).exit_code != 0


CONNECT = (
    "python",
    "-c",
    "import socket, sys; socket.create_connection((sys.argv[1], 5432), timeout=2)",
)


def _addresses(container: Container) -> dict[str, str]:
    """A container's address in each of its networks, as they are now."""
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"]
    return {name: network["IPAddress"] for name, network in networks.items()}


def test_a_backup_is_made_and_a_restore_looks_at_it_before_it_refuses(
    cluster: Cluster, client: Client, trigger: str
) -> None:
    """Each by one pod, with no more networks than its policies give it."""
    before = sum(logged(client, trigger).values())
    begun = time.monotonic()
    code, said = cluster.run("backup")
    print(f"a backup: {time.monotonic() - begun:.1f} s")
    assert code == 0, said
    [folder] = cluster.claim("etp-backups").iterdir()
    events = {one.stream: one.state["messages"] for one in backup.read(folder).streams}
    assert events.keys() == set(backup.ORDER)
    assert events[topology.EVENTS.name] >= before

    code, said = cluster.run("restore")
    assert code == 1
    assert f"of {folder.name}:" in said
    assert f"Services run ({', '.join(sorted(SERVICES))}): stop all of them" in said


def test_without_its_arrow_a_service_is_never_ready(cluster: Cluster) -> None:
    """Taken out of the database's policy, retention is cut off from it, and the replay sees it."""
    cut = copy.deepcopy(cluster.found)
    policy = of_kind(cut, "NetworkPolicy")["etp-postgres"]["spec"]
    [names] = policy["ingress"][0]["from"][0]["podSelector"]["matchExpressions"]
    names["values"].remove("etp-retention")
    before, after = members(cluster.found), members(cut)
    lost = {name: before[name] - after[name] for name in before if before[name] != after[name]}
    assert lost == {"etp-postgres": {"retention"}}

    pod = cluster.pod(cluster.workload("retention"), "etp-retention-cut", allowed=cut)
    pod.start()
    checks: dict[str, str] = {}

    def is_settled() -> bool:
        status, body = pod.get(8081, "/ready")
        checks.update(json.loads(body)["checks"])
        assert status == 503
        return checks["broker"] == "ok"

    try:
        until(lambda: _answers(is_settled), LOGGED_S, pod.said)
        assert checks["database"] != "ok"
        assert not pod.succeeds("startupProbe")
    finally:
        pod.container.remove(force=True)


def _answers(ask) -> bool:
    try:
        return ask()
    except OSError:
        return False


@pytest.mark.parametrize("service", SERVICES)
def test_a_deployment_is_rolled_under_load(
    cluster: Cluster, client: Client, trigger: str, service: str
) -> None:
    """No request is refused, no fire lost, none twice; and every pod drains within its grace."""
    with Load(client, trigger).going_on() as load:
        ends = cluster.roll(service)
    grace = cluster.workload(service).pod["terminationGracePeriodSeconds"]
    seconds = [round(end.seconds, 1) for end in ends]
    print(f"{service}: {dict(load.answers)}, its pods ended after {seconds} s")
    assert load.answers.keys() == {"202"}
    assert len(load.events) == len(set(load.events)) > 50
    assert [end.code for end in ends] == [0, 0]
    assert all(end.code != KILLED and end.seconds < grace for end in ends)
    until(
        lambda: logged(client, trigger).keys() >= set(load.events),
        LOGGED_S,
        lambda: f"{len(set(load.events) - logged(client, trigger).keys())} fires are not logged",
    )
    assert set(logged(client, trigger).values()) == {1}


def test_the_brokers_leader_is_replaced_and_nothing_is_lost(
    cluster: Cluster, client: Client, trigger: str
) -> None:
    """It hands over before it goes. What was answered 503 meanwhile may be stored, and once."""
    nodes = cluster.pods["nats"]
    _, body = nodes[0].get(8222, "/jsz")
    leader = json.loads(body)["meta_cluster"]["leader"]
    [number] = [number for number, pod in enumerate(nodes) if pod.name == leader]
    with Load(client, trigger).going_on() as load:
        end = cluster.replace("nats", number)
    grace = cluster.workload("nats").pod["terminationGracePeriodSeconds"]
    print(f"{leader}: {dict(load.answers)}, ended after {end.seconds:.1f} s")
    assert end.code == 0
    assert end.seconds < grace
    assert load.answers.keys() <= {"202", "503"}
    assert load.answers["202"] > 50
    until(
        lambda: logged(client, trigger).keys() >= set(load.events),
        LOGGED_S,
        lambda: f"{len(set(load.events) - logged(client, trigger).keys())} fires are not logged",
    )
    assert set(logged(client, trigger).values()) == {1}


def test_without_its_pause_a_pod_that_goes_refuses_requests(
    cluster: Cluster, client: Client, trigger: str
) -> None:
    """So it is the manifests' pause that the rollouts above owe their clean answers to."""
    for pod in cluster.pods["api"]:
        hasty = copy.deepcopy(pod.workload.manifest)
        del hasty["spec"]["template"]["spec"]["containers"][0]["lifecycle"]
        pod.workload = Workload(pod.workload.kind, pod.workload.name, hasty)
    with Load(client, trigger).going_on() as load:
        cluster.roll("api")
    print(f"without a pause: {dict(load.answers)}")
    assert load.answers["ConnectionRefusedError"] + load.answers["TimeoutError"] > 0
