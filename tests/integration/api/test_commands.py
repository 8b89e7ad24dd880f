"""The gateway's way to the scheduler: ready only once it hears what becomes of a command."""

from datetime import timedelta

from tests.integration.api.test_event_log import connected
from tests.support.servers import Broker
from trigger_api.adapters.commands import JetStreamCommands
from trigger_contracts.topology import COMMANDS
from trigger_local.secrets import Secrets
from trigger_runtime.errors import BrokerUnavailable
from trigger_runtime.publisher import JetStreamPublisher

TIMEOUT = timedelta(seconds=2)


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
