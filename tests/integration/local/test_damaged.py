"""A damaged file of the broker's store: the platform stops with a sentence, or goes on without it.

The broker itself says nothing: it leaves out what it cannot read, and the rest of that block.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.local.test_yesterday import SUBJECTS, found
from tests.support.servers import Broker, Postgres, nats_broker
from tests.unit.executor.factories import make_api_change
from trigger_admin.errors import StreamsLostError
from trigger_admin.installation import Installation
from trigger_admin.provision import provision, watch
from trigger_admin.rebuild import rebuild_all
from trigger_contracts import subjects
from trigger_contracts.topology import PLATFORM_ACCOUNT
from trigger_local.secrets import Secrets

COUNT = 20
"""Messages of each stream."""


@pytest.fixture
async def broker(secrets: Secrets) -> AsyncIterator[Broker]:
    """One of the test's own: its files are broken."""
    async with nats_broker(secrets) as running:
        yield running


@pytest.fixture
async def target(
    broker: Broker, postgres: Postgres, secrets: Secrets
) -> AsyncIterator[Installation]:
    name = f"damaged_{uuid4().hex[:12]}"
    yield Installation(
        nats_url=broker.url,
        nats_password=secrets.nats["admin"],
        database_url=postgres.url(name=name),
        role_passwords=secrets.postgres,
    )
    await postgres.drop_database(name)


def block_of(broker: Broker, stream: str) -> Path:
    """The file with the stream's newest messages."""
    streams = broker.store / "jetstream" / PLATFORM_ACCOUNT
    return max((streams / "streams" / stream / "msgs").glob("*.blk"))


def record(block: Path, number: int) -> int:
    """Where a record begins: with its length, of four bytes."""
    raw = block.read_bytes()
    at = 0
    for _ in range(number):
        at += int.from_bytes(raw[at : at + 4], "little") & 0x7FFFFFFF
    return at


def flip(block: Path, at: int) -> None:
    raw = bytearray(block.read_bytes())
    raw[at] ^= 0xFF
    block.write_bytes(raw)


async def filled(broker: Broker, target: Installation) -> None:
    """Every stream has messages, the tables know the changes, and it is noted how far all is."""
    await provision(target)
    async with broker.connected() as admin:
        jetstream = admin.jetstream()
        for number in range(COUNT):
            change = make_api_change(f"t{number}").model_dump_json().encode()
            await jetstream.publish(subjects.changed(f"t{number}"), change)
        for stream, subject in SUBJECTS.items():
            for number in range(COUNT if stream != "TRIGGER_CHANGES" else 0):
                apart = f".{number}" if stream == "KV_IDEMPOTENCY" else ""
                await jetstream.publish(f"{subject}{apart}", b"x" * 100)
    told = await rebuild_all(target)
    assert told[0] == f"scheduler: {COUNT} triggers from {COUNT} changes"
    assert await watch(target) == []


async def test_streams_of_which_a_block_cannot_be_read_are_named_and_the_loss_can_be_accepted(
    broker: Broker, target: Installation
) -> None:
    """A flipped byte in a record's length, from where on the broker reads nothing of the block."""
    await filled(broker, target)
    await broker.stop()
    for stream in SUBJECTS:
        flip(block_of(broker, stream), record(block_of(broker, stream), COUNT // 2) + 1)
    await broker.start()
    damaged = await found(target)
    with pytest.raises(StreamsLostError) as refused:
        await provision(target)
    for stream in SUBJECTS:
        assert f"the stream {stream} ends at sequence" in str(refused.value)
    assert "etp rebuild --accept-loss" in str(refused.value)
    with pytest.raises(StreamsLostError):
        await rebuild_all(target)
    assert await found(target) == damaged, "it was changed"
    told = await rebuild_all(target, accept_loss=True)
    state = damaged["TRIGGER_CHANGES"]
    assert state is not None
    assert 0 < state.messages < COUNT
    assert told[0].startswith(f"scheduler: {state.messages} triggers")
    await provision(target)


async def test_a_stream_whose_description_is_damaged_is_missing_and_can_be_made_anew(
    broker: Broker, target: Installation
) -> None:
    await filled(broker, target)
    await broker.stop()
    flip(block_of(broker, "TRIGGER_DUE").parent.parent / "meta.inf", 40)
    await broker.start()
    with pytest.raises(StreamsLostError, match="the stream TRIGGER_DUE is missing"):
        await provision(target)
    told = await rebuild_all(target, accept_loss=True)
    assert told[0] == f"scheduler: {COUNT} triggers from {COUNT} changes"
    await provision(target)


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        (lambda block: flip(block, record(block, COUNT // 2) + 100), 1),
        (lambda block: flip(block, -100), 1),
        (Path.unlink, COUNT),
    ],
    ids=["a byte of a record", "a byte of the last record", "a file that is gone"],
)
async def test_a_hole_in_the_changes_is_found_although_the_stream_ends_where_it_did(
    broker: Broker, target: Installation, damage: Callable[[Path], None], lost: int
) -> None:
    await filled(broker, target)
    await broker.stop()
    damage(block_of(broker, "TRIGGER_CHANGES"))
    await broker.start()
    state = (await found(target))["TRIGGER_CHANGES"]
    assert state is not None
    assert state.last_seq == COUNT
    told = f"TRIGGER_CHANGES lacks the newest change of {lost} triggers .* is damaged"
    for step in (provision, rebuild_all):
        with pytest.raises(StreamsLostError, match=told):
            await step(target)
    assert (await rebuild_all(target, accept_loss=True))[0].startswith(
        f"scheduler: {COUNT - lost} triggers"
    )
    await provision(target)


async def test_readers_and_consumers_go_past_a_record_that_is_damaged(
    broker: Broker, target: Installation
) -> None:
    """In the other streams it is as if that one message had never been stored."""
    await filled(broker, target)
    await broker.stop()
    block = block_of(broker, "TRIGGER_EVENTS")
    flip(block, record(block, COUNT // 2) + 100)
    await broker.start()
    await provision(target)
    assert (await rebuild_all(target))[1].startswith(f"retention: 0 rows from {COUNT - 1} events")
    async with broker.connected() as admin:
        taking = await admin.jetstream().pull_subscribe_bind("retention", "TRIGGER_EVENTS")
        taken: list[int] = []
        while len(taken) < COUNT - 1:
            for message in await taking.fetch(COUNT, timeout=5):
                taken.append(message.metadata.sequence.stream)
                await message.ack()
    assert len(set(range(1, COUNT + 1)) - set(taken)) == 1


async def test_changes_that_were_erased_are_no_damage(broker: Broker, target: Installation) -> None:
    """Fewer messages alone say nothing: old versions are erased all the time."""
    await filled(broker, target)
    async with broker.connected() as admin:
        jetstream = admin.jetstream()
        newer = make_api_change("t0", version=2).model_dump_json().encode()
        await jetstream.publish(subjects.changed("t0"), newer)
        await rebuild_all(target)
        await jetstream.purge_stream("TRIGGER_CHANGES", subject=subjects.changed("t0"), keep=1)
    await provision(target)
