"""All candidates, one after the other within each workload, so that a machine's mood hits all."""

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.sizes import Sizes
from bench.support.checks import BenchFailed

from . import environment, measuring, ours
from .candidates import PEERS, Peer
from .environment import Environment
from .workload import Workload

KILLED = 100
"""Triggers that wait while everything is killed."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``candidates`` are in the order of the tables, ours first."""

    title: str
    did: str
    candidates: list[dict[str, Any]]
    workloads: Mapping[str, str]
    left_out: Mapping[str, str]
    versions: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "did": self.did,
            "workloads": dict(self.workloads),
            "candidates": self.candidates,
            "left_out": dict(self.left_out),
            "versions": dict(self.versions),
        }


Found = dict[str, Any]
Created = dict[str, float]
"""Seconds for one trigger: singly, and in bulk where there is such a call."""


@dataclass(slots=True)
class _Candidate:
    """What is said of it so far, and how it is asked to do its work."""

    described: Found
    create: Callable[[int], Awaitable[Found]]
    fire: Callable[[Workload, Created], Awaitable[Found]]
    survive: Callable[[Created], Awaitable[Found]] | None
    created: Created | None = None


def workloads(sizes: Sizes) -> list[Workload]:
    """Instants in whole milliseconds; the spread ones are the same in every run."""
    numbers = random.Random(1)
    over_ms, every_ms = round(sizes.spread_over_s * 1000), sizes.recurring_every_s * 1000
    return [
        Workload(
            "spread",
            f"{sizes.spread:,} one-time over {sizes.spread_over_s:g} s",
            tuple(sorted(numbers.randrange(over_ms) for _ in range(sizes.spread))),
        ),
        Workload("same-instant", f"{sizes.same_instant:,} at once", (0,) * sizes.same_instant),
        Workload(
            "recurring",
            f"{sizes.recurring:,} every {sizes.recurring_every_s} s "
            f"({sizes.recurring / sizes.recurring_every_s:,.0f}/s)",
            tuple(n * every_ms // sizes.recurring for n in range(sizes.recurring)),
            every_ms,
            sizes.recurring_for_s // sizes.recurring_every_s,
        ),
    ]


async def side_by_side(sizes: Sizes) -> Comparison:
    """Every candidate at every workload; one that fails at one says so there and goes on."""
    found = await asyncio.to_thread(environment.ready)
    taken = [one for one in PEERS if one.runtime == "python" or found.node is not None]
    candidates = [_ours(), *(_peer(one, found) for one in taken)]
    places = asyncio.Semaphore(sizes.side_by_side)
    await _each(candidates, places, lambda one: _create(one, sizes.created))
    loads = workloads(sizes)
    for load in loads:
        await _each(candidates, places, partial(_fire, load))
    await _each(candidates, places, _survive)
    return Comparison(
        title="schedules, side by side",
        did="The same triggers on the platform and on its peers, each on fresh servers, "
        "one after the other in one run.",
        candidates=[one.described for one in candidates],
        workloads={load.name: load.did for load in loads},
        left_out={one.name: found.without_node for one in PEERS if one not in taken},
        versions=found.versions,
    )


def _ours() -> _Candidate:
    return _Candidate(
        {
            "name": ours.NAME,
            "ours": True,
            "store": ours.STORE,
            "settings": ours.SETTINGS,
            "recurs": "interval",
            "workloads": {},
        },
        ours.creating,
        lambda load, _: ours.firing(load),
        lambda _: ours.surviving(KILLED),
    )


def _peer(peer: Peer, found: Environment) -> _Candidate:
    return _Candidate(
        {
            "name": peer.name,
            "ours": False,
            "store": peer.store,
            "settings": peer.settings,
            "recurs": peer.recurs,
            "workloads": {},
        },
        lambda count: measuring.creating(peer, found, count),
        lambda load, created: measuring.firing(peer, found, load, created),
        None
        if peer.store == "memory"
        else lambda created: measuring.surviving(peer, found, KILLED, created),
    )


async def _each(
    candidates: Iterable[_Candidate],
    places: asyncio.Semaphore,
    measure: Callable[[_Candidate], Awaitable[None]],
) -> None:
    async def in_turn(one: _Candidate) -> None:
        async with places:
            await measure(one)

    await asyncio.gather(*map(in_turn, candidates))


async def _create(one: _Candidate, count: int) -> None:
    one.created = {}
    took = await _tried(one, "create", lambda _: one.create(count))
    one.described["create"] = {"count": count, **took}
    one.created = (
        None if "failed" in took else {how: seconds / count for how, seconds in took.items()}
    )


async def _fire(load: Workload, one: _Candidate) -> None:
    one.described["workloads"][load.name] = await _tried(one, load.name, one.fire, load)


async def _survive(one: _Candidate) -> None:
    one.described["survived"] = (
        None if one.survive is None else await _tried(one, "survival", one.survive)
    )


async def _tried(
    one: _Candidate, what: str, measure: Callable[..., Awaitable[Found]], *arguments: Any
) -> Found:
    """What was measured, or why it could not be: one candidate's failure is not the others'."""
    name = one.described["name"]
    if one.created is None:
        return {"failed": "its triggers could not be created"}
    print(f"  {what}: {name} …", file=sys.stderr, flush=True)
    try:
        return await measure(*arguments, one.created)
    except (BenchFailed, OSError) as failure:
        print(f"  {what}: {name} FAILED: {failure!r}", file=sys.stderr, flush=True)
        return {"failed": str(failure)[:500] or repr(failure)}
