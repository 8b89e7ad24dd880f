"""Replays on fakes: what they are made of, and what is asked of them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.api.fake_views import FakeViews
from tests.unit.api.fakes import (
    NOW,
    FakeClaims,
    FakeClock,
    FakeCommands,
    FakeDefinitions,
    FakeTargets,
    ids,
    make_change,
)
from trigger_api.domain.queries import StateFilter
from trigger_api.handlers.arrivals import Arrivals
from trigger_api.handlers.bulk_replays import BulkReplay, BulkReplays
from trigger_api.handlers.command_ports import CommandPorts
from trigger_api.handlers.fires import Fires
from trigger_api.handlers.lookup import Lookup
from trigger_api.handlers.replays import Replays
from trigger_api.handlers.schemas import SchemaTurns
from trigger_contracts.commands import FireTrigger
from trigger_contracts.errors import Problem, Refused
from trigger_contracts.events import LogEntry
from trigger_contracts.ids import fire_event_id

SECOND = timedelta(seconds=1)
INTEGER = {"payload_schema": {"properties": {"n": {"type": "integer"}}}}
EVERYTHING = StateFilter(trigger_id=("t",))


class World:
    def __init__(self) -> None:
        self.commands = FakeCommands()
        self.claims = FakeClaims()
        self.definitions = FakeDefinitions()
        self.clock = FakeClock()
        self.log = FakeViews()
        self.definitions.stored["t"] = make_change(payload={"own": 1})
        fires = Fires(
            CommandPorts(
                commands=self.commands,
                claims=self.claims,
                definitions=self.definitions,
                clock=self.clock,
                new_id=ids(),
                schemas=SchemaTurns(self.clock.monotonic),
            ),
            FakeTargets(),
        )
        lookup = Lookup(
            views=self.log,  # type: ignore[arg-type]
            arrivals=Arrivals(self.log),  # type: ignore[arg-type]
            clock=self.clock,
            kept_for=timedelta(hours=48),
        )
        self.one = Replays(lookup=lookup, fires=fires)
        self.many = BulkReplays(
            views=self.log,  # type: ignore[arg-type]
            fires=fires,
            commands=self.commands,
            claims=self.claims,
            clock=self.clock,
        )

    def add(self, count: int, **fields: Any) -> list[LogEntry]:
        """Events of as many seconds, the last of them a second ago."""
        return [
            self.log.add(NOW - (count - n) * SECOND, **{"payload": {"n": n}, **fields})
            for n in range(count)
        ]

    @property
    def fired(self) -> list[FireTrigger]:
        return [c for _, c, _ in self.commands.published if isinstance(c, FireTrigger)]

    @property
    def event_ids(self) -> set[str]:
        """Those that the executor will give, if all is as it was checked."""
        return {
            command.command_id or ""
            if command.key
            else str(fire_event_id("t", command.command_id or "", command.accepted_at or NOW))
            for command in self.fired
        }


def asked(key: str | None = None, wanted: StateFilter = EVERYTHING) -> BulkReplay:
    return BulkReplay(wanted, "key:k", "k", key)


async def refusal(awaitable: Any) -> Problem:
    with pytest.raises(Refused) as caught:
        await awaitable
    return caught.value.problem
