"""Commands of external users arrive in a stream of their own, and the broker copies them once.

In nats-server's hands alone: no worker runs here.
"""

from nats.aio.client import Client

from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_admin import streams
from trigger_contracts import subjects
from trigger_contracts.subjects import Verb
from trigger_contracts.topology import COMMANDS, INGRESS

FIRE = subjects.command(Verb.FIRE)


async def test_each_is_copied_once_and_in_order_over_restarts(platform_streams: Broker) -> None:
    sent = 0
    for _ in range(3):
        async with platform_streams.connected("client") as client:
            for _ in range(20):
                await client.jetstream().publish(FIRE, b"%d" % sent, headers={"n": str(sent)})
                sent += 1
        # In the midst of copying, as likely as not.
        await platform_streams.kill()
        await platform_streams.start()
    async with platform_streams.connected() as admin:
        await _until_copied(admin, sent)
        copied = [await admin.jetstream().get_msg(COMMANDS.name, n + 1) for n in range(sent)]
        assert [one.data for one in copied] == [b"%d" % n for n in range(sent)]
        assert {one.subject for one in copied} == {FIRE}
        assert [(one.headers or {})["n"] for one in copied] == [str(n) for n in range(sent)]


async def test_with_the_commands_lost_none_is_copied_again(platform_streams: Broker) -> None:
    """They were handled: a fire without a key would be a second event."""
    async with (
        platform_streams.connected() as admin,
        platform_streams.connected("client") as client,
    ):
        await client.jetstream().publish(FIRE, b"before")
        await _until_copied(admin, 1)
        await admin.jetstream().delete_stream(COMMANDS.name)
        await streams.apply(admin)
        # A second time, as at every start: what it begins with stays.
        await streams.apply(admin)
        await client.jetstream().publish(FIRE, b"after")
        await _until_copied(admin, 1)
        assert (await admin.jetstream().get_msg(COMMANDS.name, 1)).data == b"after"
    await _restarted_it_goes_on(platform_streams, 2)


async def test_with_the_ingress_lost_what_comes_is_copied(platform_streams: Broker) -> None:
    """At once, and its numbers begin again at one."""
    async with (
        platform_streams.connected() as admin,
        platform_streams.connected("client") as client,
    ):
        for _ in range(5):
            await client.jetstream().publish(FIRE, b"before")
        await _until_copied(admin, 5)
        await admin.jetstream().delete_stream(INGRESS.name)
        await streams.apply(admin)
        await client.jetstream().publish(FIRE, b"after")
        await _until_copied(admin, 6, within=5)
        assert (await admin.jetstream().get_msg(COMMANDS.name, 6)).data == b"after"
    await _restarted_it_goes_on(platform_streams, 7)


async def test_services_alone_send_batches(platform_streams: Broker) -> None:
    """Unfinished ones of others would take the places that a stream has for them."""
    batch = {"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1"}
    async with platform_streams.connected("client") as client:
        answer = await client.request(FIRE, b"{}", headers=batch, timeout=5)
        assert b'"error"' in answer.data
        assert b"disabled" in answer.data, answer.data


async def _restarted_it_goes_on(broker: Broker, number: int) -> None:
    """The next command becomes this number, and nothing before it comes again."""
    await broker.kill()
    await broker.start()
    async with broker.connected() as admin, broker.connected("client") as client:
        await client.jetstream().publish(FIRE, b"at last")
        await _until_copied(admin, number)
        assert (await admin.jetstream().get_msg(COMMANDS.name, number)).data == b"at last"


async def _until_copied(admin: Client, count: int, within: float = 20) -> None:
    async def copied() -> bool:
        return (await admin.jetstream().stream_info(COMMANDS.name)).state.last_seq >= count

    await eventually(copied, within=within, what=f"{count} commands")
    assert (await admin.jetstream().stream_info(COMMANDS.name)).state.last_seq == count
