"""Replays: what of an event is repeated, which events a request means, and what is said of many.

Pure. A replay is a fire that names its origin and carries what that one carried. Invariant: a
request replays what was logged before it was received, so it never meets its own replays.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trigger_api.domain.queries import LogFilter
from trigger_api.domain.schemas import FireAccepted
from trigger_api.domain.triggers.fires import FireRequest
from trigger_api.domain.triggers.traces import FireTrace
from trigger_contracts.errors import Code, Problem, Refused, from_validation, problem, refused
from trigger_contracts.events import EntryStatus
from trigger_contracts.idempotency import ReplayClaim

MAX_REPLAYS = 10_000
"""Events of one request: a few seconds of work, after which the caller still waits."""


@dataclass(frozen=True, slots=True)
class Origin:
    """An event of the log, as far as its replay depends on it."""

    event_id: UUID
    logged_at: datetime
    trigger_id: str
    status: EntryStatus
    is_test: bool
    payload: Any


class ReplayRequest(BaseModel):
    """POST /events/replay"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filter: LogFilter = Field(
        description="As the query of `GET /events/`. At least one field must be given."
    )
    dry_run: bool = Field(default=False, description="Only count what would be replayed.")


class ReplayAccepted(FireAccepted):
    """The replay is stored; its event appears under ``event_id``."""

    replay_of: str


_COUNT = Field(description="Events that match.")
_REFUSED = Field(description="Events that cannot be replayed, counted by the code that says why.")


class ReplaysCounted(BaseModel):
    """What a replay of many events would do."""

    model_config = ConfigDict(frozen=True)

    dry_run: Literal[True] = True
    count: int = _COUNT
    replayable: int
    refused: dict[str, int] = _REFUSED


class ReplaysAccepted(BaseModel):
    """The replays are stored; their events name their origins in `replay_of`."""

    model_config = ConfigDict(frozen=True)

    dry_run: Literal[False] = False
    count: int = _COUNT
    replayed: int
    refused: dict[str, int] = _REFUSED


@dataclass(slots=True)
class Tally:
    """What became of the events so far."""

    replayable: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return self.replayable + sum(self.refused.values())

    def refuse(self, found: Problem) -> None:
        self.refused[found.code] = self.refused.get(found.code, 0) + 1


def requested(body: Any) -> ReplayRequest:
    """What a body (parsed JSON) asks for; raises ``Refused`` with pointers into it."""
    try:
        # As JSON: strictly read, a text is a name or an instant there, and no boolean or number.
        found = ReplayRequest.model_validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        raise Refused(from_validation(error)) from None
    if not found.filter.model_dump(exclude_none=True):
        detail = "must have a field: without one it would mean the whole log"
        raise refused(Code.INVALID, detail, pointer="/filter")
    found.filter.checked("/filter")
    return found


def replay(
    origin: Origin, actor: str, key: str | None, trace: FireTrace | None = None
) -> FireRequest:
    """The fire that repeats ``origin``; raises ``Refused`` where nothing is there to repeat."""
    match origin.status:
        case EntryStatus.FIRED:
            fields = {"payload": origin.payload}
        case EntryStatus.MISSED:
            fields = {}  # it would have fired with the trigger's own
        case EntryStatus.REJECTED:
            detail = "a rejected fire is logged without its payload: fire its trigger instead"
            raise refused(Code.NOT_REPLAYABLE, detail)
    return FireRequest(
        origin.trigger_id,
        fields,
        actor,
        key=key,
        is_test=origin.is_test,
        replay_of=str(origin.event_id),
        trace=trace,
    )


def logged_before(wanted: LogFilter, received_at: datetime) -> LogFilter:
    """``wanted``, of what was logged before the request."""
    to = received_at if wanted.to is None else min(wanted.to, received_at)
    return wanted.model_copy(update={"to": to})


def request_id(key_id: str, key: str) -> str:
    """The same for all requests of an API key under an idempotency key."""
    return hashlib.sha256(f"replay\0{key_id}\0{key}".encode()).hexdigest()


def part_key(request_id: str, origin: Origin) -> str:
    """The idempotency key of one event's replay in such a request."""
    part = hashlib.sha256(f"{request_id}\0{origin.event_id}".encode())
    return f"replay-{part.hexdigest()}"


def store_key(request_id: str) -> str:
    """The claim's key in the store. A fire's has two tokens, so they never meet."""
    return f"replay.by-key.{request_id}"


def claim_for(wanted: LogFilter, received_at: datetime) -> ReplayClaim:
    text = wanted.model_dump_json(exclude_none=True)
    return ReplayClaim(
        received_at=received_at, filter_hash=hashlib.sha256(text.encode()).hexdigest()
    )


def too_many(count: int, *, exact: bool) -> Refused:
    detail = (
        f"{'' if exact else 'about '}{count} events match, and one request replays at most "
        f"{MAX_REPLAYS}: narrow the filter, for instance with from and to"
    )
    return refused(Code.INVALID, detail, pointer="/filter")


def interrupted(tally: Tally, count: int, away: str, *, keyed: bool) -> Refused:
    """The refusal of a request that could not be carried through."""
    detail = (
        f"{away} does not answer any more: of {count} events that match at least "
        f"{tally.replayable} are certainly replayed, the others may be; "
    )
    if keyed:
        detail += "repeated under its Idempotency-Key, the request replays each of them once"
    else:
        detail += "repeated without an Idempotency-Key, the request replays them again"
    return Refused(problem(Code.UNAVAILABLE, detail))
