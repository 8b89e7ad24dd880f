"""Kills a replica amid due work, and judges whether the others took over in time.

``Kill`` says who died when; the time from there to the row, or to the event in the stream, is
what is judged. A replica dies at any moment of a batch, or for certain with its hands full: then
it is frozen just before a volley is due and killed just after.
"""

import asyncio
import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from tests.chaos.checker import Times
from tests.chaos.load import Known, Load
from tests.chaos.verdict import progress
from tests.support.eventually import eventually
from tests.support.replicas import Replicas
from tests.support.whole_platform import Platform, now
from trigger_contracts.events import CloudEvent
from trigger_contracts.subjects import ALL_FIRED, Service

TAKEN_OVER = timedelta(seconds=1)
ALLOWANCE = timedelta(seconds=2)
"""For a machine of two cores on which a dozen processes and other tests run."""
LOOKED_BACK = timedelta(seconds=5)
"""What was due so long before a kill is judged with it."""
AHEAD = timedelta(seconds=2.5)
"""Time to create a volley, most of it also on a busy machine."""
STRIKES_S = {False: (0.0, 0.03), True: (0.05, 0.2)}
"""After the volley's instant: amid its batches, or when whoever is frozen has its part."""
CLAIMED_BEFORE = timedelta(milliseconds=100)
"""Schedulers hold what is due in so long."""


@dataclass(frozen=True, slots=True)
class Kill:
    """A replica that died amid due work, and when."""

    name: str
    at: datetime
    full_hands: bool

    def __str__(self) -> str:
        return f"{self.name}, killed at {self.at}{' with full hands' * self.full_hands}"


async def kill(
    dice: random.Random,
    load: Load,
    platform: Platform,
    replicas: Replicas,
    service: Service,
    *,
    full_hands: bool,
) -> Kill:
    """SIGKILL one as a volley becomes due; fails if a row of the volley takes too long.

    With its hands full it is a scheduler that has claimed rows, if one is found in time, or an
    executor, whichever: the broker gives to each in turn.
    """
    await progress(load, dice)
    due_at = now() + AHEAD
    creating = asyncio.create_task(load.make_due_at(due_at))
    name = dice.choice(replicas.of(service))
    if full_hands:
        if service is Service.SCHEDULER:
            name = await _claimant(platform, replicas, due_at) or name
        await _reached(due_at - CLAIMED_BEFORE)
        replicas.signal(name, signal.SIGSTOP)
    await _reached(due_at + timedelta(seconds=dice.uniform(*STRIKES_S[full_hands])))
    pid = replicas.pids()[name]
    replicas.signal(name, signal.SIGKILL)
    killed = Kill(name, now(), full_hands)
    await _until_visible(platform, killed, due_at, load.due_at(due_at))
    await creating
    # Whoever chooses among the living next must not find it among them.
    await eventually(lambda: replicas.pids().get(name) != pid, what=f"{name} is gone")
    return killed


async def assert_taken_over(platform: Platform, kills: Sequence[Kill]) -> None:
    """Whatever was due around a kill was logged within a second of its instant, or of the kill."""
    fired = await _fired(platform)
    for kill in kills:
        around = _around(kill, fired)
        worst = max(stored_at - max(due_at, kill.at) for due_at, stored_at in around)
        orphans = _orphans(kill, around)
        print(f"{kill}: {orphans} taken over, the last logged {worst.total_seconds():.3f} s late")
        assert worst < TAKEN_OVER + ALLOWANCE, (kill, worst)


async def had_full_hands(platform: Platform, kill: Kill) -> bool:
    """Whether somebody else had to do what the dead one had in hand.

    An executor may have none although it was frozen in time: where its pull request, which it has
    for 5 s, ends while it is frozen, the broker gives all to the others.
    """
    return _orphans(kill, _around(kill, await _fired(platform))) > 0


async def _fired(platform: Platform) -> list[tuple[datetime, datetime]]:
    """Of each occurrence that fired: when it was due, and when its event was stored."""
    return [
        (event.data.scheduled_for, message.stored_at)
        for message in await platform.stored("TRIGGER_EVENTS", ALL_FIRED)
        if (event := CloudEvent.model_validate_json(message.payload)).data.scheduled_for
    ]


def _around(
    kill: Kill, fired: Sequence[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    return [
        (due_at, stored_at)
        for due_at, stored_at in fired
        if kill.at - LOOKED_BACK < due_at < kill.at + TAKEN_OVER
    ]


def _orphans(kill: Kill, around: Sequence[tuple[datetime, datetime]]) -> int:
    return sum(due_at < kill.at < stored_at for due_at, stored_at in around)


async def _until_visible(
    platform: Platform, kill: Kill, due_at: datetime, batch: Sequence[Known]
) -> None:
    limit = max(kill.at, due_at) + TAKEN_OVER + ALLOWANCE
    async with platform.database() as database:
        await eventually(
            lambda: _have_rows(database, batch, due_at),
            within=(limit - now()).total_seconds(),
            poll=0.05,
            what=f"what was due at {due_at} is visible after {kill}",
        )
    print(f"{kill}: its volley was visible {(now() - kill.at).total_seconds():.3f} s later")


async def _have_rows(
    database: asyncpg.Connection, batch: Sequence[Known], due_at: datetime
) -> bool:
    """Whether all of a batch has its row, but for what was deleted or put off."""
    rows = await database.fetch(
        "SELECT trigger_id FROM retention.event WHERE scheduled_for = $1", due_at
    )
    there = {row["trigger_id"] for row in rows}
    return all(
        known.trigger_id in there or known.gone or known.busy or known.times != Times(due_at)
        for known in batch
    )


async def _claimant(platform: Platform, replicas: Replicas, due_at: datetime) -> str | None:
    """The scheduler that has claimed rows and waits for this instant, if one is found in time."""
    owners = replicas.owners_of_ports(Service.SCHEDULER)
    async with platform.database() as database:
        await _reached(due_at - CLAIMED_BEFORE)
        while now() < due_at:
            port = await database.fetchval(
                "SELECT client_port FROM pg_stat_activity"
                " WHERE application_name = 'etp-scheduler-claims'"
                " AND state = 'idle in transaction' AND state_change > $1"
                " ORDER BY state_change LIMIT 1",
                due_at - CLAIMED_BEFORE,
            )
            if port in owners:
                return owners[port]
    return None


async def _reached(instant: datetime) -> None:
    await eventually(lambda: now() >= instant, poll=0.005)
