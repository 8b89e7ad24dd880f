"""A client that works while things die: creates, edits, deletes and fires, and notes everything.

It takes no failure for an answer: what may have happened is noted as unknown. Each trigger is
handled by one hand at a time, so that its operations have an order.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from tests.chaos.checker import Operation, Outcome, Times
from tests.support.whole_platform import Platform, now, text
from trigger_contracts.subjects import REPLY_TO_HEADER
from trigger_runtime.process.ids import new_id

REST_TIMEOUT_S = 8.0
RESULT_TIMEOUT_S = 3.0
API_TRIGGERS = 8
VOLLEY = 150
VOLLEY_AHEAD_S = 1.5
VOLLEY_TIMEOUT_S = 30.0
LONGEST_BATCH_S = 0.02
"""About as long as the handling of a batch takes: a strike comes anywhere in it."""
PACES_S = {"create": 0.05, "edit": 0.06, "fire": 0.02}
"""Between two operations of each kind: a few hundred a second in all would only measure the CPU."""


@dataclass(slots=True)
class Known:
    """A trigger that the load was told of."""

    name: str
    trigger_id: str
    times: Times | None = None
    version: int = 1
    busy: bool = False
    gone: bool = False


@dataclass(slots=True)
class _Told:
    """An answer, whatever door it came through."""

    outcome: Outcome
    body: Any = None
    question: str = ""
    """By NATS: under which its answer comes, if it comes late."""


@dataclass
class Load:
    """Started, it goes on until it is stopped; ``history`` is what it saw."""

    platform: Platform
    dice: random.Random
    pause: float = 1.0
    """How many times as long as usual it waits between two operations."""
    history: list[Operation] = field(default_factory=list)
    _known: list[Known] = field(default_factory=list)
    _api: list[Known] = field(default_factory=list)
    _hands: list[asyncio.Task[None]] = field(default_factory=list)
    _results: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    _unanswered: dict[str, int] = field(default_factory=dict)
    """Where those stand in the history that were stored, and not answered while one waited."""
    _keyed: list[tuple[str, str, str]] = field(default_factory=list)
    _numbers: int = 0

    async def start(self) -> None:
        self._client: Client = await self.platform.nats("client", max_outstanding_pings=1)
        self._inbox = f"_INBOX_client.{new_id()}"
        await self._client.subscribe(f"{self._inbox}.*", cb=self._answered)
        self._rest = self.platform.new_rest(timeout=REST_TIMEOUT_S)
        for _ in range(API_TRIGGERS):
            name = self._mark("api")
            operation, body = await self._create(name, {"type": "api"}, None, by_nats=False)
            assert operation.outcome is Outcome.OK, body
            self._api.append(Known(name, body["id"]))
        acts: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("create", self._creates),
            ("create", self._creates),
            ("edit", self._edits),
            ("fire", self._fires),
            ("fire", self._fires),
        ]
        self._hands = [asyncio.create_task(self._repeat(PACES_S[p], act)) for p, act in acts]

    async def stop(self) -> None:
        """Finish what is in hand."""
        for hand in self._hands:
            hand.cancel()
        ended = await asyncio.gather(*self._hands, return_exceptions=True)
        await self._rest.aclose()
        await self._client.close()
        for one in ended:
            if isinstance(one, Exception):
                raise one

    @property
    def succeeded(self) -> int:
        return sum(operation.outcome is Outcome.OK for operation in self.history)

    async def _repeat(self, pace_s: float, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            # Cancelled only between two acts, so that each is noted.
            acting = asyncio.ensure_future(act())
            try:
                await asyncio.shield(acting)
            except asyncio.CancelledError:
                await acting
                raise
            await asyncio.sleep(self.pause * pace_s * self.dice.uniform(0.5, 1.5))

    # What it does.

    async def volley(self, subject: str, strike: Callable[[], None]) -> None:
        """Create many triggers due at one instant; strike at a message of them on a subject.

        Whichever one the dice say: whoever sends or handles them has a batch in hand then.
        """
        at = now() + timedelta(seconds=VOLLEY_AHEAD_S)
        async with self.platform.connected("admin") as tap:
            struck = asyncio.Event()
            to_see = self.dice.randint(1, VOLLEY // 2)

            async def see(_message: Msg) -> None:
                nonlocal to_see
                to_see -= now() >= at
                if to_see == 0:
                    delay_s = self.dice.uniform(0, LONGEST_BATCH_S)
                    asyncio.get_running_loop().call_later(delay_s, hit)

            def hit() -> None:
                strike()
                struck.set()

            await tap.subscribe(subject, cb=see)
            await self.make_due_at(at)
            await asyncio.wait_for(struck.wait(), VOLLEY_TIMEOUT_S)

    async def make_due_at(self, at: datetime) -> None:
        """Create a volley of triggers due at one instant."""
        await asyncio.gather(*(self._creates(Times(at)) for _ in range(VOLLEY)))

    def due_at(self, at: datetime) -> list[Known]:
        """The triggers that are due at this instant alone, as far as is known by now."""
        return [one for one in self._known if one.times == Times(at) and not one.gone]

    async def _creates(self, times: Times | None = None) -> None:
        name = self._mark("t")
        times = times or (self._interval() if self.dice.random() < 0.25 else self._once())
        by_nats = self.dice.random() < 0.3
        operation, body = await self._create(name, _schedule(times), times, by_nats=by_nats)
        if operation.outcome is Outcome.OK:
            trigger_id = body["trigger_id"] if by_nats else body["id"]
            self._known.append(Known(name, trigger_id, times))

    async def _create(
        self, name: str, fields: dict[str, Any], times: Times | None, *, by_nats: bool
    ) -> tuple[Operation, Any]:
        marker = self._mark("c")
        fields = {"name": name, "payload": {"m": marker}, **fields}
        invoked_at = now()
        if by_nats:
            told = await self._ask("create", {"trigger_id": name, **fields})
        else:
            told = await self._request("POST", "/triggers/", json=fields)
        body = told.body or {}
        settled_at = now()
        operation = Operation(
            kind="create",
            name=name,
            invoked_at=invoked_at,
            settled_at=settled_at,
            outcome=told.outcome,
            marker=marker,
            trigger_id=body.get("trigger_id", body.get("id")),
            version=body.get("version"),
            times=times,
            by_nats=by_nats,
            may_be_refused=by_nats and _may_pass(told, times),
        )
        self._take(operation, told)
        return operation, body

    async def _edits(self) -> None:
        """An edit or a delete, mostly of what still has to fire; at times of an api trigger."""
        chosen = self._free()
        if chosen is None:
            return
        chosen.busy = True
        try:
            if self.dice.random() < 0.25:
                await self._delete(chosen)
            else:
                await self._edit(chosen)
        finally:
            chosen.busy = False

    def _free(self) -> Known | None:
        moment = now()
        free = [
            known
            for known in self._known[-60:]
            if not known.busy
            and not known.gone
            and known.times
            and list(known.times)[-1] > moment + timedelta(milliseconds=200)
        ]
        living = [known for known in self._api if not known.busy and not known.gone]
        if len(living) > API_TRIGGERS // 2 and self.dice.random() < 0.005:
            return self.dice.choice(living)
        return self.dice.choice(free) if free else None

    async def _delete(self, known: Known) -> None:
        by_nats = self.dice.random() < 0.3
        invoked_at = now()
        # Whatever comes of it, nobody touches the trigger again: its outcome stays clear.
        known.gone = True
        if by_nats:
            told = await self._ask("delete", {"trigger_id": known.trigger_id})
        else:
            told = await self._request("DELETE", f"/triggers/{known.trigger_id}")
        self._note("delete", known, invoked_at, told, "", None)

    async def _edit(self, known: Known) -> None:
        marker = self._mark("e")
        patch: dict[str, Any] = {"payload": {"m": marker}}
        times = None
        if known.times and self.dice.random() < 0.4:
            times = self._rescheduled(known.times)
            patch |= _schedule(times)
        by_nats = self.dice.random() < 0.3
        invoked_at = now()
        if by_nats:
            told = await self._ask("update", {"trigger_id": known.trigger_id, "patch": patch})
        else:
            conditions = {"If-Match": f'"{known.version}"'}
            told = await self._request(
                "PATCH",
                f"/triggers/{known.trigger_id}",
                json=patch,
                headers=conditions if self.dice.random() < 0.5 else {},
            )
        operation = self._note("update", known, invoked_at, told, marker, times)
        if operation.outcome is Outcome.OK:
            assert operation.version is not None
            known.version = operation.version
            known.times = times or known.times
        elif operation.outcome is not Outcome.REFUSED:
            # Its version is not known any more; later edits would guess.
            known.gone = True

    def _note(
        self,
        kind: Any,
        known: Known,
        invoked_at: datetime,
        told: _Told,
        marker: str,
        times: Times | None,
    ) -> Operation:
        body = told.body if isinstance(told.body, dict) else {}
        operation = Operation(
            kind=kind,
            name=known.name,
            invoked_at=invoked_at,
            settled_at=now(),
            outcome=told.outcome,
            marker=marker,
            trigger_id=known.trigger_id,
            version=body.get("version"),
            times=times,
            may_be_refused=_may_pass(told, times),
        )
        self._take(operation, told)
        return operation

    def _take(self, operation: Operation, told: _Told) -> None:
        """Into the history, where an answer that comes yet finds it."""
        if told.outcome is Outcome.STORED and told.question:
            self._unanswered[told.question] = len(self.history)
        self.history.append(operation)

    async def _fires(self) -> None:
        """A fire without a key, under a new one, or again under one used before."""
        living = [known for known in self._api if not known.gone or self.dice.random() < 0.02]
        trigger = self.dice.choice(living)
        name, marker, key = trigger.name, self._mark("f"), None
        trigger_id = trigger.trigger_id
        luck = self.dice.random()
        if luck < 0.3:
            key = self._mark("key")
            self._keyed.append((name, marker, key))
        elif luck < 0.5 and self._keyed:
            name, marker, key = self.dice.choice(self._keyed[-50:])
            trigger_id = next(k.trigger_id for k in self._api if k.name == name)
        invoked_at = now()
        fire: dict[str, Any] = {"payload": {"m": marker}}
        if self.dice.random() < 0.3:
            keyed = {} if key is None else {"key": key}
            told = await self._ask("fire", {"trigger_id": trigger_id, **fire, **keyed})
        else:
            headers = {} if key is None else {"Idempotency-Key": key}
            told = await self._request(
                "POST", f"/triggers/{trigger_id}/fire", json=fire, headers=headers
            )
            if told.outcome is Outcome.STORED:
                told.outcome = Outcome.OK
        self.history.append(
            Operation(
                kind="fire",
                name=name,
                invoked_at=invoked_at,
                settled_at=now(),
                outcome=told.outcome,
                marker=marker,
                trigger_id=trigger_id,
                key=key,
                event_id=(told.body or {}).get("event_id"),
            )
        )

    # Times.

    def _once(self) -> Times:
        return Times(now() + timedelta(seconds=self.dice.uniform(1, 4)))

    def _interval(self) -> Times:
        first = now() + timedelta(seconds=self.dice.uniform(0.5, 2))
        count = self.dice.randint(3, 7)
        return Times(first, timedelta(seconds=1), first + timedelta(seconds=count))

    def _rescheduled(self, times: Times) -> Times:
        if times.every is None:
            return self._once()
        return Times(times.first, times.every * 2, times.last)

    def _mark(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}-{self._numbers}"

    # Doors.

    async def _request(self, method: str, path: str, **options: Any) -> _Told:
        try:
            response = await self._rest.request(method, path, **options)
        except httpx.HTTPError:
            return _Told(Outcome.UNKNOWN)
        if response.status_code >= 500:
            return _Told(Outcome.UNKNOWN)
        if response.status_code >= 400:
            return _Told(Outcome.REFUSED)
        body = response.json() if response.content else {}
        stored = response.status_code == 202
        return _Told(Outcome.STORED if stored else Outcome.OK, body)

    async def _ask(self, verb: str, body: dict[str, Any]) -> _Told:
        question = new_id()
        result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._results[question] = result
        stored = False
        try:
            headers = {REPLY_TO_HEADER: f"{self._inbox}.{question}"}
            await self._client.jetstream(timeout=RESULT_TIMEOUT_S).publish(
                f"trigger.command.{verb}", json.dumps(body).encode(), headers=headers
            )
            stored = True
            answer = await asyncio.wait_for(result, RESULT_TIMEOUT_S)
        except (NatsError, TimeoutError, OSError):
            return _Told(Outcome.STORED if stored else Outcome.UNKNOWN, question=question)
        finally:
            del self._results[question]
        return _Told(_outcome(answer), answer)

    async def _answered(self, message: Msg) -> None:
        question, answer = message.subject.rpartition(".")[2], json.loads(message.data)
        result = self._results.get(question)
        if result is not None and not result.done():
            result.set_result(answer)
        elif (place := self._unanswered.get(question)) is not None:
            is_refused = _outcome(answer) is Outcome.REFUSED
            late = replace(self.history[place], may_be_refused=is_refused)
            self.history[place] = late


def _outcome(answer: Any) -> Outcome:
    return Outcome.REFUSED if "code" in answer else Outcome.OK


def _may_pass(told: _Told, times: Times | None) -> bool:
    """Whether times may have passed when the command's turn comes: then it is rightly refused.

    How long it waits for its turn, on a slow disk or until a broker is back, nobody can say but
    its answer.
    """
    return told.outcome is Outcome.STORED and times is not None


def _schedule(times: Times) -> dict[str, Any]:
    if times.every is None:
        return {"type": "scheduled", "schedule_time": text(times.first)}
    assert times.last is not None
    return {
        "type": "scheduled",
        "interval": times.every.total_seconds(),
        "starts_at": text(times.first),
        "ends_at": text(times.last),
    }
