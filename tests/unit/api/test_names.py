"""Names are looked up in threads of their own, and never in more than a few."""

import asyncio
import threading
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from trigger_api.adapters import names
from trigger_api.adapters.names import ResolvedNames
from trigger_contracts.targets.addresses import Address


async def test_what_a_name_has_is_told() -> None:
    found = await ResolvedNames(lambda name: [ip_address("192.0.2.1")]).addresses("a.example")
    assert found == [ip_address("192.0.2.1")]


async def test_a_name_without_an_address_has_none() -> None:
    """The machine's own resolver: what can be no name leaves no machine."""
    assert list(await ResolvedNames().addresses("a..b")) == []
    assert list(await ResolvedNames().addresses("x" * 64 + ".invalid")) == []


async def test_the_machines_own_resolver_knows_an_address() -> None:
    assert list(await ResolvedNames().addresses("127.0.0.1")) == [ip_address("127.0.0.1")]


async def test_dead_names_hold_a_few_threads_and_nobody_who_gives_up() -> None:
    answers = threading.Event()
    begun = threading.Semaphore(0)

    def dead(name: str) -> Sequence[Address]:
        begun.release()
        answers.wait(30)
        return ()

    before = threading.active_count()
    resolver = ResolvedNames(dead, limit=3)
    asked = [asyncio.create_task(resolver.addresses(f"n{n}.example")) for n in range(10_000)]
    await asyncio.sleep(0)
    for _ in range(3):
        assert await asyncio.to_thread(begun.acquire, timeout=10)
    # The pool of to_thread has one or two of its own.
    assert threading.active_count() <= before + 3 + 2
    for one in asked:
        one.cancel()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in outcomes)
    later = asyncio.create_task(resolver.addresses("later.example"))
    answers.set()
    assert list(await asyncio.wait_for(later, 10)) == []
    assert begun.acquire(blocking=False)
    assert not begun.acquire(blocking=False), "who gave up before a thread was free needs none"


async def test_a_machine_without_threads_knows_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoThread:
        def __init__(self, **_: object) -> None: ...

        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(names.threading, "Thread", NoThread)
    resolver = ResolvedNames(lambda name: [], limit=1)
    for _ in range(3):
        assert list(await resolver.addresses("a.example")) == []
