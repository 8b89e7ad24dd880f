"""Redeliveries and cancellations: which deliveries a request means, and what is said of them.

Pure. Each delivery is a command that names the round which was seen, so that its repetition does
nothing. Under an idempotency key a request means the deliveries, as they stood, of the first one
under it: after its round has ended, the same delivery would be another wish.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trigger_api.domain.deliveries.queries import DeliveryFilter
from trigger_api.domain.deliveries.shown import DeliveryShown
from trigger_contracts.commands import MAX_ROUND, CancelDelivery, DeliveryCommand, Redeliver
from trigger_contracts.definition import MAX_TARGETS
from trigger_contracts.deliveries.outcomes import DeliveryState
from trigger_contracts.deliveries.records import delivery_id_of
from trigger_contracts.errors import (
    Code,
    Problem,
    Refused,
    from_validation,
    problem,
    refused,
)
from trigger_contracts.idempotency import ClaimedDelivery, DeliveriesClaim
from trigger_contracts.ids import Id
from trigger_contracts.subjects import Verb
from trigger_contracts.targets.target import unknown_targets

MAX_DELIVERIES = 10_000
"""Of one request: a few seconds of work, after which the caller still waits."""

_Body = TypeVar("_Body", bound=BaseModel)


class DeliveriesRequest(BaseModel):
    """POST /deliveries/redeliver and /deliveries/cancel"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filter: DeliveryFilter = Field(
        description="As the query of `GET /deliveries/`. At least one field must be given."
    )
    dry_run: bool = Field(default=False, description="Only count the deliveries.")


class RedeliveryRequest(BaseModel):
    """POST /events/{id}/redeliver"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    targets: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MAX_TARGETS)] | None = Field(
        default=None,
        description="Where to: targets that it was delivered to, and others. All of the former, "
        "where none are given.",
    )


class DeliveryAsked(BaseModel):
    """A delivery that a request is about."""

    model_config = ConfigDict(frozen=True)

    id: str
    target_id: str
    round: int = Field(
        description="The newest round when it was asked for; 0 where there was none."
    )


class RedeliveryAccepted(BaseModel):
    """The wish is stored: each delivery that waits is tried now, each other one begins anew."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    status: Literal["accepted"] = "accepted"
    deliveries: tuple[DeliveryAsked, ...]


_COUNT = Field(description="Deliveries that match.")


class DeliveriesCounted(BaseModel):
    """How many deliveries a request would be about."""

    model_config = ConfigDict(frozen=True)

    dry_run: Literal[True] = True
    count: int = _COUNT


class DeliveriesAccepted(BaseModel):
    """The wishes are stored, one for each delivery."""

    model_config = ConfigDict(frozen=True)

    dry_run: Literal[False] = False
    count: int = _COUNT
    accepted: int
    refused: dict[str, int] = Field(
        description="Deliveries for which nothing can be done, counted by the code that says why."
    )


@dataclass(slots=True)
class DeliveryTally:
    """What became of the deliveries so far."""

    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return self.accepted + sum(self.refused.values())

    def refuse(self, code: Code) -> None:
        self.refused[code.value] = self.refused.get(code.value, 0) + 1


def requested(body: Any, verb: Verb) -> DeliveriesRequest:
    """What a body (parsed JSON) asks for; raises ``Refused`` with pointers into it."""
    found = _read(DeliveriesRequest, body)
    wanted = found.filter
    if not wanted.model_dump(exclude_none=True):
        detail = "must have a field: without one it would mean all deliveries"
        raise refused(Code.INVALID, detail, pointer="/filter")
    wanted.checked("/filter")
    if verb is Verb.CANCEL:
        pending = (DeliveryState.PENDING,)
        if wanted.state not in (None, pending):
            detail = "only what is pending can be cancelled"
            raise refused(Code.INVALID, detail, pointer="/filter/state")
        wanted = wanted.model_copy(update={"state": pending})
    return found.model_copy(update={"filter": wanted})


def requested_targets(body: Any) -> tuple[str, ...] | None:
    """The targets that a body (parsed JSON; None where there was none) names, if it names some."""
    named = _read(RedeliveryRequest, {} if body is None else body).targets
    for place, target_id in enumerate(named or ()):
        if target_id in (named or ())[:place]:
            raise refused(Code.INVALID, "is named twice", pointer=f"/targets/{place}")
    return named


def named(row: DeliveryShown) -> ClaimedDelivery:
    """A delivery as it is seen now."""
    return ClaimedDelivery(
        event_id=str(row.event_id),
        trigger_id=row.trigger_id,
        target_id=row.target_id,
        round=row.round,
    )


def of_event(
    event_id: str, trigger_id: str, rows: Iterable[DeliveryShown], targets: tuple[str, ...] | None
) -> tuple[ClaimedDelivery, ...]:
    """The deliveries of an event that a request means; raises ``Refused`` where there are none."""
    there = {row.target_id: named(row) for row in rows}
    if targets is None:
        if not there:
            detail = "it was delivered to no target: name some"
            raise refused(Code.INVALID, detail, pointer="/targets")
        return tuple(there.values())
    return tuple(
        there.get(one)
        or ClaimedDelivery(event_id=event_id, trigger_id=trigger_id, target_id=one, round=0)
        for one in targets
    )


def missing_targets(targets: tuple[str, ...], missing: Iterable[str]) -> Problem:
    """Of the targets that a request names, those that there are not."""
    gone = set(missing)
    return unknown_targets(
        [(f"/targets/{place}", one) for place, one in enumerate(targets) if one in gone]
    )


def command_of(verb: Verb, one: ClaimedDelivery, carried: dict[str, Any]) -> DeliveryCommand | None:
    """The command about a delivery; None for a round that no command may name."""
    if one.round > MAX_ROUND:
        return None
    about = {**carried, **one.model_dump()}
    return Redeliver(**about) if verb is Verb.REDELIVER else CancelDelivery(**about)


def asked_of(one: ClaimedDelivery) -> DeliveryAsked:
    return DeliveryAsked(
        id=delivery_id_of(one.event_id, one.target_id), target_id=one.target_id, round=one.round
    )


def request_id(key_id: str, key: str, verb: Verb) -> str:
    """The same for all requests of an API key under an idempotency key."""
    return hashlib.sha256(f"{verb}\0{key_id}\0{key}".encode()).hexdigest()


def part_id(request_id: str, one: ClaimedDelivery) -> str:
    """The id of one delivery's command in such a request."""
    part = f"{request_id}\0{one.event_id}\0{one.target_id}"
    return hashlib.sha256(part.encode()).hexdigest()


def store_key(request_id: str, page: int) -> str:
    """The claim's key in the store. A fire's has two tokens, so they never meet."""
    return f"deliveries.by-key.{request_id}.{page}"


def request_hash(*asked: Any) -> str:
    """What all requests under one idempotency key must share."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def same(claim: DeliveriesClaim, own_hash: str) -> DeliveriesClaim:
    """The claim that holds; raises ``Refused`` if it is another request's."""
    if claim.request_hash != own_hash:
        detail = "this Idempotency-Key was used with another request"
        raise refused(Code.IDEMPOTENCY_MISMATCH, detail)
    return claim


def too_many() -> Refused:
    detail = (
        f"more than {MAX_DELIVERIES} deliveries match, and one request is about no more: narrow "
        "the filter, for instance with from and to"
    )
    return refused(Code.INVALID, detail, pointer="/filter")


def interrupted(tally: DeliveryTally, away: str) -> Refused:
    """The refusal of a request that could not be carried through."""
    detail = (
        f"{away} does not answer any more: of the deliveries that match at least {tally.accepted} "
        "are certainly asked for, the others may be; repeated under its Idempotency-Key, the "
        "request does nothing twice"
    )
    return Refused(problem(Code.UNAVAILABLE, detail))


def _read(model: type[_Body], body: Any) -> _Body:
    try:
        # As JSON: strictly read, a text is a name or an instant there, and no boolean or number.
        return model.model_validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        raise Refused(from_validation(error)) from None
