"""What names resolve to, asked once for many attempts, and whose fault it is where they do not.

Answers are kept for 30 s and misses for 5 s, 10,000 names at most; who asks for a name while it is
being looked up shares that. A name that nobody answers for hinders no other one. Where a look-up
fails, our own name servers are asked for what any of them knows: only if they answer is it the
name's owner who is to blame.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from trigger_contracts.targets.addresses import Address

LOOKUP_TIMEOUT_S = 5.0
KEPT_S = 30.0
MISS_KEPT_S = 5.0
MAX_NAMES = 10_000
MAX_LOOKUPS = 2_000
"""At the same time: twice as many as attempts in flight, for one that was given up goes on."""
PATIENCE_S = 0.3
"""Before this nobody suspects our own servers."""
PROBE_TIMEOUT_S = 1.5
PROBED_FOR_S = 5.0
"""For so long our servers are taken to be there, once they were found to be."""
PROBED_AWAY_FOR_S = 1.0
"""And to be away: a crowd of look-ups may have cost the one packet that would have shown it."""


class UnknownName(Exception):  # noqa: N818 - what it says
    """The name has no address, and whose it is must mend that."""


class NameServersAway(Exception):  # noqa: N818
    """None of our own name servers answers."""


class NoNameAnswer(Exception):  # noqa: N818
    """No answer came for the name, or one that says that it could not be found out."""


class NameLookup(Protocol):
    """Asks name servers."""

    async def addresses(self, name: str) -> Sequence[Address]:
        """All of them; raises UnknownName or NoNameAnswer."""
        ...

    async def is_answered(self) -> bool:
        """Whether our name servers answer at all."""
        ...

    async def close(self) -> None:
        """End what is being asked."""
        ...


@dataclass(frozen=True, slots=True)
class _Known:
    addresses: tuple[Address, ...]
    until: float


class NameResolver:
    """``monotonic`` is in seconds. All of one event loop."""

    def __init__(
        self,
        lookup: NameLookup,
        monotonic: Callable[[], float],
        *,
        timeout_s: float = LOOKUP_TIMEOUT_S,
        max_names: int = MAX_NAMES,
    ) -> None:
        self._lookup = lookup
        self._monotonic = monotonic
        self._timeout_s = timeout_s
        self._max_names = max_names
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._pending: dict[str, asyncio.Task[tuple[Address, ...]]] = {}
        self._probe: asyncio.Task[bool] | None = None
        self._probed_at = float("-inf")
        self._probed_for_s = 0.0

    async def resolve(self, name: str, within_s: float) -> tuple[Address, ...]:
        """The addresses of ``name``, at least one.

        Raises UnknownName, also where none came ``within_s`` and our servers answer others, and
        NameServersAway where they do not, or too many look-ups are under way.
        """
        known = self._known.get(name)
        if known is not None and self._monotonic() < known.until:
            if not known.addresses:
                raise UnknownName(name)
            return known.addresses
        pending = self._pending.get(name)
        if pending is None:
            if len(self._pending) >= MAX_LOOKUPS:
                raise NameServersAway("too many names are being looked up")
            pending = self._begin(name)
        limit_s = min(within_s, self._timeout_s)
        patience_s = max(min(PATIENCE_S, limit_s / 2), limit_s - PROBE_TIMEOUT_S - PATIENCE_S)
        done, _ = await asyncio.wait({pending}, timeout=patience_s)
        if not done:
            # So that it is known by the time that whoever asks has to be told something.
            probe = self._probing()
            done, _ = await asyncio.wait({pending}, timeout=limit_s - patience_s)
        if done:
            return pending.result()
        if probe.done() and probe.result():
            raise UnknownName(name)
        raise NameServersAway(name)

    async def close(self) -> None:
        """End what is under way."""
        tasks = [*self._pending.values(), *([] if self._probe is None else [self._probe])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._lookup.close()

    def _begin(self, name: str) -> asyncio.Task[tuple[Address, ...]]:
        task = asyncio.create_task(self._look_up(name), name="name look-up")
        self._pending[name] = task

        def done(over: asyncio.Task[tuple[Address, ...]]) -> None:
            del self._pending[name]
            if not over.cancelled():
                over.exception()  # whoever waits has it; nobody may

        task.add_done_callback(done)
        return task

    async def _look_up(self, name: str) -> tuple[Address, ...]:
        try:
            async with asyncio.timeout(self._timeout_s):
                addresses = tuple(await self._lookup.addresses(name))
        except UnknownName:
            self._keep(name, (), MISS_KEPT_S)
            raise
        except (NoNameAnswer, TimeoutError):
            if not await self._servers_answer():
                raise NameServersAway(name) from None
            self._keep(name, (), MISS_KEPT_S)
            raise UnknownName(name) from None
        if not addresses:
            self._keep(name, (), MISS_KEPT_S)
            raise UnknownName(name)
        self._keep(name, addresses, KEPT_S)
        return addresses

    def _keep(self, name: str, addresses: tuple[Address, ...], for_s: float) -> None:
        self._known[name] = _Known(addresses, self._monotonic() + for_s)
        self._known.move_to_end(name)
        while len(self._known) > self._max_names:
            self._known.popitem(last=False)

    async def _servers_answer(self) -> bool:
        return await asyncio.shield(self._probing())

    def _probing(self) -> asyncio.Task[bool]:
        """What comes of asking our servers, now or lately."""
        if self._probe is None or (
            self._probe.done() and self._monotonic() - self._probed_at >= self._probed_for_s
        ):
            self._probe = asyncio.create_task(self._ask(), name="name servers probed")
        return self._probe

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                is_answered = await self._lookup.is_answered()
        except TimeoutError:
            is_answered = False
        self._probed_at = self._monotonic()
        self._probed_for_s = PROBED_FOR_S if is_answered else PROBED_AWAY_FOR_S
        return is_answered
