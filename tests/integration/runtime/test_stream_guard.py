"""A worker that looks at its streams while others are at work."""

from collections.abc import Mapping

import pytest

from tests.integration.runtime.conftest import TIMEOUT
from tests.support.servers import Broker
from trigger_contracts import subjects, topology
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.guard import StreamGuard
from trigger_runtime.process.errors import NotReady


async def test_what_another_replica_projects_meanwhile_is_no_loss(
    platform_streams: Broker, scheduler: Connection
) -> None:
    """At a start the tables are asked, and the other one does not wait for that."""
    async with platform_streams.connected() as admin:

        async def one_more() -> int:
            return (await admin.jetstream().publish(subjects.changed("t"), b"{}")).seq

        async def projected_just_now() -> Mapping[str, int]:
            return {topology.CHANGES.name: await one_more()}

        await one_more()
        guard = StreamGuard(
            scheduler, [topology.CHANGES.name], [], timeout=TIMEOUT, positions=projected_just_now
        )
        await guard.watch()
        await guard.check()
        assert not scheduler.lost.is_set()


async def test_what_was_projected_and_is_gone_is_a_loss(
    platform_streams: Broker, scheduler: Connection
) -> None:
    async def projected_long_ago() -> Mapping[str, int]:
        return {topology.CHANGES.name: 7}

    guard = StreamGuard(
        scheduler, [topology.CHANGES.name], [], timeout=TIMEOUT, positions=projected_long_ago
    )
    await guard.watch()
    with pytest.raises(NotReady, match=r"TRIGGER_CHANGES ends at sequence 0; .* 7"):
        await guard.check()
    assert scheduler.lost.is_set()
