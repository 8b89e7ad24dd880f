"""A command queue that does not move shows itself."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from nats.js.api import DiscardPolicy
from prometheus_client import REGISTRY

from tests.integration.scheduler.conftest import Platform
from tests.support.eventually import eventually
from trigger_admin import streams
from trigger_contracts import subjects
from trigger_contracts.subjects import Service, Verb
from trigger_contracts.topology import COMMANDS, INGRESS
from trigger_runtime.http.health import Health
from trigger_scheduler.bootstrap import Scheduler

LIMIT = timedelta(seconds=1)
CREATE = {"name": "a", "type": "api"}


async def ready(scheduler: Scheduler) -> tuple[bool, dict[str, Any]]:
    health = Health(Service.SCHEDULER)
    health.add("database", scheduler.databases[0].ping)
    scheduler.waiting.tell(health)
    return await health.ready()


async def test_ready_and_a_metric_tell_how_long_the_oldest_command_waits(
    platform: Platform,
) -> None:
    async with (
        platform.scheduler(command_age_limit=LIMIT) as one,
        platform.scheduler(command_age_limit=LIMIT) as other,
        platform.database.connected() as locking,
    ):
        assert (await platform.ask(Verb.CREATE, **CREATE))["trigger_id"]

        async def all_answered() -> bool:
            found = [await ready(replica) for replica in (one, other)]
            return all(ok and told["oldest_command_age_s"] == 0 for ok, told in found)

        await eventually(all_answered)
        async with locking.transaction():
            await locking.execute("LOCK TABLE scheduler.trigger IN ACCESS EXCLUSIVE MODE")
            await platform.send(Verb.CREATE, CREATE)

            async def stuck() -> bool:
                return not any([(await ready(replica))[0] for replica in (one, other)])

            await eventually(stuck, within=20)
            _, told = await ready(other)
            assert told["status"] == "unavailable"
            assert told["checks"]["database"] == "ok"
            assert told["checks"]["commands"].startswith("the oldest unanswered command has waited")
            assert told["oldest_command_age_s"] > LIMIT.total_seconds()
            age = REGISTRY.get_sample_value("etp_oldest_command_age_seconds")
            assert age is not None
            assert age > LIMIT.total_seconds()
        await eventually(all_answered, within=20)
        assert REGISTRY.get_sample_value("etp_oldest_command_age_seconds") == 0


async def test_one_that_is_not_yet_among_the_commands_waits_as_well(platform: Platform) -> None:
    """An external user's: the broker copies it there, and here it finds no place."""
    async with platform.scheduler(command_age_limit=LIMIT) as scheduler:
        assert (await platform.ask(Verb.CREATE, **CREATE))["trigger_id"]

        async def all_answered() -> bool:
            ok, told = await ready(scheduler)
            return ok and told["oldest_command_age_s"] == 0

        await eventually(all_answered)
        async with platform.broker.connected() as admin, platform.broker.connected("client") as one:
            jetstream = admin.jetstream()
            info = await jetstream.stream_info(COMMANDS.name)
            full = replace(info.config, max_msgs=info.state.messages, discard=DiscardPolicy.NEW)
            await jetstream.update_stream(full)
            ack = await one.jetstream().publish(subjects.command(Verb.CREATE), b"{}")
            assert ack.stream == INGRESS.name

            async def stuck() -> bool:
                return not (await ready(scheduler))[0]

            await eventually(stuck, within=20)
            await streams.apply(admin)
            await eventually(all_answered, within=40)
            state = (await jetstream.stream_info(COMMANDS.name)).state
            assert state.messages == info.state.messages + 1
