"""What every Compose file's platform must do, however many of each service it has."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from docker.models.containers import Container

from tests.engine.load import Load, ask, client_of, created, log, nats_client
from tests.support.engine.deployed import SERVICES, Deployment
from tests.support.eventually import eventually
from tests.support.machine import allowed

BACK_S = 120.0
IDLE_STOP_S = 1.0
"""What the stop of an idle service takes at most, on a machine that does nothing else."""
ENGINES_OWN_S = 4.0
"""What the engine adds to that: half a second to more than one was seen on a machine at rest."""
UNDER_LOAD_S = 1.0
"""Between one kill and the next one, with all of it at work."""

_HITS = re.compile(r'^etp_cache_requests_total\{result="hit"\} (\S+)$', re.MULTILINE)


async def fires_and_tells(deployment: Deployment) -> None:
    """By schedule, by REST and over NATS, and each is in the log."""
    async with client_of(deployment) as client:
        each_second = {"name": "hello", "type": "scheduled", "interval": 1, "payload": {}}
        made = await created(client, each_second)
        on_request = await created(client, {"name": "by request", "type": "api"})
        answer = await client.post(f"/triggers/{on_request}/fire", json={"payload": {"by": "rest"}})
        assert answer.status_code == 202, answer.text
        event = answer.json()["event_id"]
        user = await nats_client(deployment)
        try:
            await ask(user, "fire", {"trigger_id": on_request, "payload": {"by": "nats"}})
        finally:
            await user.close()

        async def all_told() -> bool:
            rows = await log(client, on_request)
            return len(await log(client, made)) > 0 and {r["payload"]["by"] for r in rows} == {
                "rest",
                "nats",
            }

        await eventually(all_told, within=30, poll=0.2, what="three rows")
        row = (await client.get(f"/events/{event}?wait=10s")).json()
        assert row["status"] == "fired"
        assert (await client.delete(f"/triggers/{made}")).status_code == 204


async def finds_pages_in_the_cache(deployment: Deployment) -> float:
    """A first page that is asked for twice within a second is found in Valkey: hits counted."""

    async def hits() -> float:
        async with client_of(deployment) as client:
            for _ in range(4):
                assert (await client.get("/events/?limit=20")).status_code == 200
        counted = [hit for said in _metrics(deployment, "api") for hit in _HITS.findall(said)]
        return sum(map(float, counted))

    return await eventually(hits, within=30, poll=0.5, what="a hit in the cache")


def _metrics(deployment: Deployment, service: str) -> Iterator[str]:
    for container in deployment.of(service):
        done = container.exec_run(["etp-ready", "/metrics"])
        assert done.exit_code == 0, done.output
        yield done.output.decode()


def workers_heard(deployment: Deployment) -> dict[str, Any]:
    """What a gateway's ``/ready`` says of the workers, on the port that only containers reach."""
    done = deployment.of("api")[0].exec_run(["etp-ready"])
    workers: dict[str, Any] = json.loads(done.output)["workers"]
    return workers


async def loses_nothing_whatever_is_killed(deployment: Deployment) -> None:
    """SIGKILL of every container in turn, under load, and each comes back by itself."""
    load = Load(deployment)
    await load.prepare()
    async with load.working():
        for container in deployment.containers():
            await asyncio.sleep(UNDER_LOAD_S)
            before = deployment.started_at(container)
            began = time.monotonic()
            deployment.kill(container)
            await eventually(
                lambda one=container, old=before: deployment.is_back(one, old),
                within=BACK_S,
                poll=0.2,
                what=f"{container.name} is back",
            )
            print(f"{container.name} killed: healthy again after {time.monotonic() - began:.1f} s")
        await asyncio.sleep(UNDER_LOAD_S)
    await _all_ready(deployment)
    print(await load.check())


async def loses_nothing_when_it_is_stopped_at_work(deployment: Deployment) -> None:
    """``compose stop`` under load: each service finishes what it has in hand, and ends well."""
    load = Load(deployment)
    await load.prepare()
    async with load.working():
        await eventually(lambda: len(load.sent) > 20, what="it is at work")
        began = time.monotonic()
        codes = await asyncio.to_thread(deployment.stop)
        print(f"everything stopped at work after {time.monotonic() - began:.1f} s")
        at_stop = len(load.sent)
        await asyncio.to_thread(deployment.up)
        await eventually(
            lambda: len(load.sent) > at_stop, within=BACK_S, what="fires are accepted again"
        )
    ended = {
        name: code for name, code in codes.items() if any(f"-{one}-" in name for one in SERVICES)
    }
    assert len(ended) >= len(SERVICES)
    assert set(ended.values()) == {0}, ended
    print(await load.check())


async def is_rebuilt_while_it_fires(deployment: Deployment) -> None:
    """``etp rebuild`` as an admin step of Compose, under load: every table, and no row changes."""
    load = Load(deployment)
    await load.prepare()
    async with load.working():
        await asyncio.sleep(UNDER_LOAD_S)
        began = time.monotonic()
        said = await asyncio.to_thread(
            deployment.compose, "run", "--rm", "provision", "etp", "rebuild"
        )
        print(f"rebuilt under load after {time.monotonic() - began:.1f} s")
        await asyncio.sleep(UNDER_LOAD_S)
    for schema in ("scheduler", "retention"):
        assert re.search(rf"^{schema}: ", said, re.MULTILINE), said
    print(await load.check())


async def _all_ready(deployment: Deployment) -> None:
    def ready() -> bool:
        gateways = deployment.of("api")
        return all(one.exec_run(["etp-ready"]).exit_code == 0 for one in gateways)

    await eventually(ready, within=BACK_S, poll=0.5, what="every gateway is ready")


def stops_at_once(deployment: Deployment) -> None:
    """Each service, idle, in less than a second and with exit code 0; and everything goes on.

    Until it says that it has stopped: an engine takes as long again to take a container down.
    """
    for container in _services(deployment):
        asked_at = datetime.now(UTC)
        container.stop()
        took = (datetime.now(UTC) - asked_at).total_seconds()
        container.reload()
        own = (_said_at(container, "stopped") - asked_at).total_seconds()
        limit = allowed(IDLE_STOP_S)
        print(
            f"{container.name}: stopped in {own:.2f} s, of {limit:.2f} s allowed at this load, "
            f"and gone after {took:.2f} s"
        )
        assert container.attrs["State"]["ExitCode"] == 0
        assert own < limit, container.name
        assert took < limit + ENGINES_OWN_S, container.name
    codes = deployment.stop()
    assert set(codes.values()) == {0}, codes
    print(f"everything up again after {deployment.up():.1f} s")


def _said_at(container: Container, event: str) -> datetime:
    """When a service said this last."""
    records = [json.loads(line) for line in container.logs(tail=10).splitlines()]
    said = [one["timestamp"] for one in records if one["event"] == event]
    return datetime.fromisoformat(said[-1])


def _services(deployment: Deployment) -> list[Container]:
    return [one for service in SERVICES for one in deployment.of(service)]


def is_hardened(deployment: Deployment) -> None:
    """Nobody has a capability or writes into an image, and only 127.0.0.1 is published."""
    found = deployment.containers()
    assert found
    for container in found:
        host = container.attrs["HostConfig"]
        assert host["ReadonlyRootfs"], container.name
        assert host["CapDrop"] == ["ALL"], container.name
        assert not host["CapAdd"], container.name
        assert host["SecurityOpt"] == ["no-new-privileges:true"], container.name
        assert min(host["Memory"], host["NanoCpus"], host["PidsLimit"]) > 0
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        published = [
            one["HostIp"] for ports in (host["PortBindings"] or {}).values() for one in ports
        ]
        assert set(published) <= {"127.0.0.1"}, container.name
        secrets = [m["Source"] for m in container.attrs["Mounts"] if "/secrets/" in m["Source"]]
        assert len(secrets) == 1, "its own secrets and nobody else's"


def shows_no_secret(deployment: Deployment) -> None:
    """Neither in an environment nor in what anybody said."""
    secrets = [
        deployment.secret(name)
        for name in ("you/api_key", "api/nats_password", "api/session_secret", "postgres/password")
    ]
    said = "".join(
        c.logs().decode(errors="replace") + str(c.attrs["Config"]["Env"]) + str(c.attrs["Args"])
        for c in deployment.containers(all_of_them=True)
    )
    assert said
    assert not [secret for secret in secrets if secret in said]
