"""Targets of every kind, triggers that name them, and somebody who fires while things die.

Fires are by REST and by a schedule; one trigger is edited meanwhile, so that it matters which
version fired. What was accepted is noted, what may have been is not: the log says.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from nats.js.api import StreamConfig

from tests.chaos import endpoints
from tests.chaos.delivery_checker import Target
from tests.chaos.endpoints import ALLOWED, FORBIDDEN, Endpoint, Forbidden, listening
from tests.support.whole_platform import Json, Platform, ahead
from trigger_local import ports

REST_TIMEOUT_S = 8.0
PACE_S = 0.08
"""Between two fires of each of the two who fire: some 20 a second in all, to three targets each."""
HANDS = 2
SECOND = timedelta(seconds=1)
OUT = {"durable": "CHAOS_DURABLE", "core": "CHAOS_CORE"}
"""Streams of the test's own, which store what comes on the subjects of targets of each kind."""


def subject_of(name: str) -> str:
    return f"out.chaos.{name}"


NAMED = {
    "many": ("good", "slow", "hostile", "durable", "core"),
    "line-1": ("line", "durable-line"),
    "line-2": ("line", "durable-line"),
    "bad": ("dead", "away", "fussy", "forbidden"),
    "edited": ("good",),
}
"""Triggers that are fired by hand, and their targets."""
OFTEN = {"many": 5, "line-1": 2, "line-2": 2, "bad": 2, "edited": 3}
EDITS = (("good", "durable"), (), ("good",))


@dataclass
class Deliveries:
    """What is delivered where. ``targets`` are by name; ``secrets`` are those that sign."""

    platform: Platform
    dice: random.Random
    endpoints: dict[str, Endpoint]
    forbidden: tuple[Forbidden, ...]
    targets: dict[str, Target] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)
    """Ids of events whose fire was acknowledged, and which trigger was fired."""
    answers: Counter[str] = field(default_factory=Counter)
    _triggers: dict[str, str] = field(default_factory=dict)
    _scheduled: str = ""
    _hands: list[asyncio.Task[None]] = field(default_factory=list)
    _numbers: int = 0

    async def set_up(self) -> None:
        """Streams, targets and triggers."""
        async with self.platform.connected("admin") as admin:
            for kind, name in OUT.items():
                subjects = [subject_of(kind), subject_of(f"{kind}-line")]
                await admin.jetstream(timeout=10).add_stream(
                    # What comes twice is to be seen twice.
                    StreamConfig(
                        name=name, subjects=subjects, duplicate_window=1, allow_direct=True
                    )
                )
        closed = ports.choose_free({one.port for one in self.endpoints.values()})
        nowhere = f"http://{ALLOWED}:{closed}/hook"
        refused = frozenset({"final-status"})
        exhausted = frozenset({"exhausted"})
        await self._webhook("good", is_well=True, retry=6)
        await self._webhook("slow", retry=6)
        await self._webhook("hostile", retry=6, may_end=exhausted, timeout=1)
        await self._webhook("line", retry=15, is_ordered=True, timeout=1)
        await self._webhook("fussy", retry=6, may_end=refused, final_statuses=[422])
        # Those of nobody: one stays so, the other one is mended in the end.
        await self._webhook("dead", url=nowhere, retry=1, may_end=exhausted | {"cancelled"})
        await self._webhook("away", url=nowhere, retry=15)
        elsewhere = self.forbidden[1]
        await self._webhook(
            "forbidden", url=f"http://{elsewhere.host}:{elsewhere.port}/", is_forbidden=True
        )
        await self._subject("durable")
        await self._subject("core")
        await self._subject("durable-line", is_ordered=True)
        for name, targets in NAMED.items():
            made = await self.platform.create(name=name, type="api", targets=self._ids(targets))
            self._triggers[name] = made["id"]
        made = await self.platform.create(
            name="every second",
            type="scheduled",
            interval=1,
            starts_at=ahead(1),
            ends_at=ahead(3600),
            payload={"by": "the schedule"},
            targets=self._ids(("good", "line")),
        )
        self._scheduled = made["id"]

    async def start(self) -> None:
        self._rest = self.platform.new_rest(timeout=REST_TIMEOUT_S)
        self._hands = [asyncio.create_task(self._work()) for _ in range(HANDS)]

    async def stop(self) -> None:
        """Finish what is in hand, and let no schedule fire any more."""
        for hand in self._hands:
            hand.cancel()
        ended = await asyncio.gather(*self._hands, return_exceptions=True)
        await self._rest.aclose()
        for one in ended:
            if isinstance(one, Exception):
                raise one
        deleted = await self.platform.rest.delete(f"/triggers/{self._scheduled}")
        assert deleted.status_code == 204, deleted.text

    @property
    def well_served(self) -> int:
        """Requests that came in at the endpoint that is always well."""
        return len(self.endpoints["good"].requests)

    async def heal(self) -> None:
        """Every endpoint is well again but the one that is dead; owners mend what is theirs."""
        for one in self.endpoints.values():
            one.behave = endpoints.well
        await self._edit("away", url=self.endpoints["mended"].url)
        for name in self.targets.keys() - {"away", "dead", "forbidden"}:
            # An edit half-opens a breaker: nobody has to wait for it.
            await self._edit(name, name="looked at")

    async def give_up(self) -> Json:
        """Cancel what waits for the dead one, as its owner would; what the answer says."""
        wanted = {"filter": {"target_id": self.targets["dead"].target_id}}
        response = await self.platform.rest.post("/deliveries/cancel", json=wanted)
        assert response.status_code == 202, response.text
        told: Json = response.json()
        return told

    # What it does.

    async def _work(self) -> None:
        while True:
            # Cancelled only between two acts, so that each is noted.
            acting = asyncio.ensure_future(self._act())
            try:
                await asyncio.shield(acting)
            except asyncio.CancelledError:
                await acting
                raise
            await asyncio.sleep(PACE_S * self.dice.uniform(0.5, 1.5))

    async def _act(self) -> None:
        name = self.dice.choices(list(OFTEN), list(OFTEN.values()))[0]
        address = f"/triggers/{self._triggers[name]}"
        self._numbers += 1
        try:
            if name == "edited" and self.dice.random() < 0.2:
                patch = {"targets": self._ids(self.dice.choice(EDITS))}
                self._note(await self._rest.patch(address, json=patch))
            body = {"payload": {"n": self._numbers}}
            fired = await self._rest.post(f"{address}/fire", json=body)
        except httpx.HTTPError as error:
            self.answers[type(error).__name__] += 1
            return
        self._note(fired)
        if fired.status_code == 202:
            self.accepted[fired.json()["event_id"]] = name

    def _note(self, response: httpx.Response) -> None:
        """A platform in trouble says so by a 503, and never that the client is wrong."""
        self.answers[str(response.status_code)] += 1
        assert response.is_success or response.status_code >= 500, response.text
        assert response.status_code != 500, response.text

    async def _edit(self, target: str, **patch: Any) -> None:
        address = f"/targets/{self.targets[target].target_id}"
        response = await self.platform.rest.patch(address, json=patch)
        assert response.status_code == 200, response.text

    # Targets.

    def _ids(self, names: tuple[str, ...]) -> list[str]:
        return [self.targets[name].target_id for name in names]

    async def _webhook(
        self,
        name: str,
        *,
        url: str | None = None,
        retry: int = 0,
        is_well: bool = False,
        is_ordered: bool = False,
        is_forbidden: bool = False,
        may_end: frozenset[str] = frozenset(),
        **fields: Any,
    ) -> None:
        """One with so many retries, a second apart; the platform's own are too slow for a test."""
        retries = retry or 1
        made = await self._create(
            type="webhook",
            name=name,
            url=url or self.endpoints[name].url,
            retry=[1] * retries,
            ordered=is_ordered,
            **fields,
        )
        self.secrets[made["id"]] = made["secret"]
        self.targets[name] = Target(
            made["id"],
            delays=(SECOND,) * retries,
            is_well=is_well,
            is_ordered=is_ordered,
            is_forbidden=is_forbidden,
            may_end=may_end,
            addresses=frozenset({ALLOWED}),
        )

    async def _subject(self, name: str, *, is_ordered: bool = False) -> None:
        is_durable = name.startswith("durable")
        made = await self._create(
            type="nats",
            name=name,
            subject=subject_of(name),
            durable=is_durable,
            retry=[1] * 15,
            ordered=is_ordered,
        )
        self.targets[name] = Target(
            made["id"],
            kind="durable" if is_durable else "core",
            delays=(SECOND,) * 15,
            is_ordered=is_ordered,
        )

    async def _create(self, **fields: Any) -> Json:
        response = await self.platform.rest.post("/targets/", json=fields)
        assert response.status_code == 201, response.text
        made: Json = response.json()
        return made


@contextlib.asynccontextmanager
async def delivering(platform: Platform, dice: random.Random) -> AsyncIterator[Deliveries]:
    """Endpoints that listen, and targets and triggers for them; nobody fires yet."""
    tempting, elsewhere = (Forbidden(host) for host in FORBIDDEN)
    async with contextlib.AsyncExitStack() as stack:
        for one in (tempting, elsewhere):
            await stack.enter_async_context(listening(one))
        behaviours = {
            "good": endpoints.well,
            "slow": endpoints.slow(dice),
            "hostile": endpoints.hostile(dice, tempting, share=0.2),
            # One at a time, and each failure keeps the others waiting for a second.
            "line": endpoints.hostile(dice, tempting, share=0.1),
            "fussy": endpoints.fussy,
            "mended": endpoints.well,
        }
        made = {name: Endpoint(behave) for name, behave in behaviours.items()}
        for endpoint in made.values():
            await stack.enter_async_context(listening(endpoint))
        deliveries = Deliveries(platform, dice, made, (tempting, elsewhere))
        await deliveries.set_up()
        yield deliveries
