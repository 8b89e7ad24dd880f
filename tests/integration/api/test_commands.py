"""The gateway's way to the scheduler: ready only once it hears what becomes of a command."""

import asyncio
from datetime import timedelta
from functools import partial

from tests.integration.api.test_event_log import connected
from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_api.adapters.commands import AHEAD, JetStreamCommands
from trigger_contracts.subjects import Verb
from trigger_contracts.topology import COMMANDS
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.process.errors import BrokerUnavailable

TIMEOUT = timedelta(seconds=2)
PROBLEM = {"type": "x", "title": "x", "status": 409, "detail": "x"}


async def is_ready(commands: JetStreamCommands) -> bool:
    try:
        await commands.ping()
    except BrokerUnavailable:
        return False
    return True


async def test_it_is_not_ready_before_it_listens_for_results(
    platform_streams: Broker, secrets: Secrets
) -> None:
    async with connected(platform_streams, secrets) as connection:
        publisher = JetStreamPublisher(connection, COMMANDS.name, timeout=TIMEOUT)
        commands = JetStreamCommands(connection, publisher, instance="one", timeout=TIMEOUT)
        await connection.ping()
        assert not await is_ready(commands)
        await commands.open()
        assert await is_ready(commands)


async def test_few_creates_of_a_request_are_unanswered_while_they_are_answered_at_all(
    platform_streams: Broker, secrets: Secrets
) -> None:
    count = 3 * AHEAD
    bodies = [b'{"name": "n%d", "type": "api"}' % n for n in range(count)]
    async with connected(platform_streams, secrets) as connection:
        publisher = JetStreamPublisher(connection, COMMANDS.name, timeout=TIMEOUT)
        commands = JetStreamCommands(
            connection, publisher, instance="few", timeout=timedelta(seconds=0.5)
        )
        await commands.open()

        def is_asked(place: int) -> bool:
            return len(commands._waiting) > place

        async def answered() -> None:
            """One after the other, by whoever is the scheduler; at first it is slow."""
            await eventually(partial(is_asked, AHEAD - 1), poll=0.01)
            for n in range(3):
                # As long as the next batch would take, if it were sent.
                others = [Message("trigger.command.create", b"%d %d" % (n, m)) for m in range(100)]
                await publisher.publish_batch(others)
            assert len(commands._waiting) == AHEAD
            for place in range(count // 2):
                await eventually(partial(is_asked, place), poll=0.01)
                reply_to = list(commands._waiting)[place]
                assert len(commands._waiting) - place <= AHEAD
                commands._waiting[reply_to]({"code": "quota-exceeded", **PROBLEM})

        answering = asyncio.create_task(answered())
        results = await commands.ask_each(Verb.CREATE, bodies, "attempt")
        await answering
    # Then nobody answers any more: all are stored all the same.
    assert sum(one is not None for one in results) == count // 2
    assert len(results) == count
