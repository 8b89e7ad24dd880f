"""All manifests of an overlay on one engine: servers, the Job, then every replica; and rollouts."""

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from docker import DockerClient

from tests.kubernetes.manifests import Manifest, Workload, workloads
from tests.support.replay import containers
from tests.support.replay.networks import Networks, aliases
from tests.support.replay.pods import End, Pod, until
from tests.support.replay.service import Endpoints

JOB_S = 120
"""Of one attempt."""

READY_S = 30
"""From started to ready: a few of the readiness probe's periods."""

PLATFORM = "event-trigger-platform"


class Cluster:
    """What runs of one set of manifests."""

    def __init__(
        self,
        client: DockerClient,
        found: list[Manifest],
        secrets: containers.Secrets,
        image: str,
    ) -> None:
        self.found = found
        self._client = client
        self._secrets = secrets
        self._image = image
        # Readable for the containers' users: each folder within has its own group.
        self._folder = Path(tempfile.mkdtemp(prefix="etp-replay-", dir="/var/tmp"))
        self._folder.chmod(0o755)
        self._networks = Networks(client, found, self._folder.name)
        self._numbers = itertools.count(1)
        self.pods: dict[str, list[Pod]] = {}
        """Of each workload, by its service's name."""
        self.job_attempts = 0
        self.callers = Endpoints()
        """The Service etp-api."""

    def workload(self, service: str) -> Workload:
        [one] = [w for w in workloads(self.found) if w.service == service]
        return one

    def pod(self, one: Workload, name: str, *, allowed: list[Manifest] | None = None) -> Pod:
        """Created and not started; ``allowed`` are manifests with other policies than these."""
        image = one.container["image"]
        container = containers.create(
            self._client,
            one,
            name,
            found=self.found,
            secrets=self._secrets,
            folder=self._folder,
            image=self._image if image.rpartition("/")[2].startswith(PLATFORM) else image,
            networks=self._networks.of(one, allowed or self.found),
            aliases=aliases(one, name, self.found),
        )
        return Pod(name, one, container)

    def apply(self) -> None:
        """Servers first, then the Job, then the services, each pod ready at its end."""
        for kind in ("StatefulSet", "Job", "Deployment"):
            chosen = [one for one in workloads(self.found) if one.kind == kind]
            for one in chosen:
                if kind == "Job":
                    self._complete(one)
                    continue
                replicas = range(one.manifest["spec"]["replicas"])
                # A StatefulSet counts its pods, and others know them by that.
                names = [self._name(one, number) for number in replicas]
                self.pods[one.service] = [self.pod(one, name) for name in names]
            started = [pod for one in chosen for pod in self.pods.get(one.service, ())]
            for pod in started:
                pod.start()
            for pod in started:
                self._await_ready(pod)
        self.callers.watch(self.pods["api"])

    def roll(self, service: str) -> list[End]:
        """As the Deployment's strategy says: one more, and none less; how the old ones ended."""
        one = self.workload(service)
        assert one.manifest["spec"]["strategy"]["rollingUpdate"] == {
            "maxSurge": 1,
            "maxUnavailable": 0,
        }
        old, ends = self.pods[service], list[Future[End]]()
        with ThreadPoolExecutor(len(old)) as kubelets:
            self.pods[service] = []
            for going in old:
                new = self.pod(one, self._name(one))
                self.pods[service].append(new)
                new.start()
                self._await_ready(new)
                if service == "api":
                    self.callers.join(new)
                    self.callers.leave(going)
                ends.append(kubelets.submit(going.end))
            ended = [end.result() for end in ends]
        for pod in old:
            pod.container.remove(v=True)
        return ended

    def replace(self, service: str, number: int) -> End:
        """Of a StatefulSet one pod by another of its name, with what it had stored."""
        going = self.pods[service][number]
        ended = going.end()
        going.container.remove()
        new = self.pod(going.workload, going.name)
        self.pods[service][number] = new
        new.start()
        self._await_ready(new)
        return ended

    def run(self, service: str) -> tuple[int, str]:
        """One pod of a CronJob, as if its hour had come; its exit code and what it said."""
        return self._ended(self.workload(service))

    def claim(self, name: str) -> Path:
        """What is in a volume that pods share."""
        return containers.claim(self._folder, name)

    def close(self) -> None:
        self.callers.close()
        for container in self._client.containers.list(all=True):
            if container.name.startswith(self._folder.name):
                container.remove(force=True, v=True)
        self._networks.close()
        shutil.rmtree(self._folder)

    def _complete(self, job: Workload) -> None:
        """One pod after the other until one succeeds: as many as the Job may have."""
        most = job.manifest["spec"]["backoffLimit"] + 1
        for _ in range(most):
            self.job_attempts += 1
            code, said = self._ended(job)
            if code == 0:
                return
        raise AssertionError(f"the Job failed {most} times: {said}")

    def _ended(self, one: Workload) -> tuple[int, str]:
        pod = self.pod(one, self._name(one))
        pod.start()
        code = pod.container.wait(timeout=JOB_S)["StatusCode"]
        said = pod.said()
        pod.container.remove(v=True)
        return code, said

    def _await_ready(self, pod: Pod) -> None:
        pod.await_started()
        until(lambda: pod.succeeds("readinessProbe"), READY_S, pod.said)

    def _name(self, one: Workload, number: int | None = None) -> str:
        if one.kind == "StatefulSet":
            return f"{one.name}-{number}"
        return f"{one.name}-{next(self._numbers)}"


@contextlib.contextmanager
def replayed(
    client: DockerClient, found: list[Manifest], secrets: containers.Secrets, image: str
) -> Iterator[Cluster]:
    cluster = Cluster(client, found, secrets, image)
    try:
        cluster.apply()
        yield cluster
    finally:
        cluster.close()
