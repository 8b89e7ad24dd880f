"""Idempotency keys: what is claimed under one, and when a retry is the same fire.

The first fire of a trigger under a key writes a ``Claim`` by a create-only write to the
idempotency store; whoever comes later, by REST or NATS, uses what it finds there. Creates and
replays are keyed by REST alone, and claim what the gateway needs to answer them again.
"""

import hashlib
from datetime import datetime
from typing import Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from .commands import FireTrigger
from .errors import Code, refused
from .ids import IDEMPOTENCY_KEY_RULE, idempotency_key, key_hash, keyed_fire_event_id
from .strict_json import canonical

ClaimKind = TypeVar("ClaimKind", bound=BaseModel)


class Claim(BaseModel):
    """What all fires of a trigger under one key share. Kept for 48 h.

    ``change_seq`` is the place in the log of changes of the version that the first fire was
    held to; a retry is held to the same one, whatever was edited or deleted since.
    """

    model_config = ConfigDict(frozen=True)

    accepted_at: AwareDatetime
    event_id: str
    payload_hash: str
    change_seq: int | None = None


class CreateClaim(BaseModel):
    """What all creates of one API key under one idempotency key share. Kept for 48 h."""

    model_config = ConfigDict(frozen=True)

    accepted_at: AwareDatetime
    body_hash: str


class ReplayClaim(BaseModel):
    """What all replays of many events by one API key under one idempotency key share. Kept for
    48 h.
    """

    model_config = ConfigDict(frozen=True)

    received_at: AwareDatetime
    filter_hash: str


class SecretClaim(BaseModel):
    """What all creates of a target, or rotations of its secret, by one API key under one
    idempotency key share. Kept for 48 h.

    ``secret`` is sealed: whichever request is handled first, the secret is the one that the first
    was answered with.
    """

    model_config = ConfigDict(frozen=True)

    accepted_at: AwareDatetime
    body_hash: str
    secret: str | None = None


class ClaimedDelivery(BaseModel):
    """A delivery, and the round of it that was seen; 0 where there was none."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    trigger_id: str
    target_id: str
    round: int


class DeliveriesClaim(BaseModel):
    """What all requests about deliveries by one API key under one idempotency key share: which
    deliveries are meant, and where each stood. Kept for 48 h.

    Of many deliveries it is one page; ``cursor`` leads to the next one, which is claimed by itself.
    """

    model_config = ConfigDict(frozen=True)

    request_hash: str
    deliveries: tuple[ClaimedDelivery, ...]
    cursor: str | None = None


CLAIMS = (Claim, CreateClaim, ReplayClaim, SecretClaim, DeliveriesClaim)
"""Whatever is stored under a key is one of these."""


def read_claim(kind: type[ClaimKind], value: bytes) -> ClaimKind:
    """What is stored under a key; raises ``Refused`` for what nobody of ours has written.

    Whatever the first request under it was, it is not known to be this one: the key is used up.
    """
    try:
        return kind.model_validate_json(value)
    except ValidationError:
        detail = "what is stored under this Idempotency-Key cannot be read: use another key"
        raise refused(Code.IDEMPOTENCY_MISMATCH, detail) from None


def check_key(command: FireTrigger) -> None:
    """Raises ``Refused`` for a key that no header could carry: it would be a key by NATS alone.

    Such commands are read, since older releases took them and streams may hold them.
    """
    if command.key is not None and idempotency_key(command.key) is None:
        raise refused(Code.INVALID, IDEMPOTENCY_KEY_RULE, pointer="/key")


def store_key(trigger_id: str, key: str) -> str:
    """The claim's key in the store: two validated tokens, whatever the caller's key holds."""
    return f"{trigger_id}.{key_hash(key)}"


def claim_for(
    command: FireTrigger, key: str, accepted_at: datetime, change_seq: int | None = None
) -> Claim:
    """The claim that ``command`` makes if it is the first under ``key``."""
    event_id = keyed_fire_event_id(command.trigger_id, key_hash(key), accepted_at)
    return Claim(
        accepted_at=accepted_at,
        event_id=str(event_id),
        payload_hash=payload_hash(command),
        change_seq=change_seq,
    )


def payload_hash(command: FireTrigger) -> str:
    """SHA-256 of what is fired: equal for equal JSON values, however they are written."""
    asked: list[Any] = [command.has_payload, command.payload, command.is_test]
    if command.replay_of is not None:
        # Only then: what an ordinary fire claimed before there were replays stays as it was.
        asked.append(command.replay_of)
    if command.targets is not None:
        asked.append({"targets": list(command.targets)})
    return hashlib.sha256(canonical(asked).encode()).hexdigest()
