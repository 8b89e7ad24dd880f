"""The create-only store: of all who claim a key, the first one's value counts for all.

A claim is a message on a key-value bucket's subject, appended on condition that the subject
has none; so exactly one of any number of racers wins, on every replica, and a crash leaves
either a claim or nothing. Claims vanish with the bucket's age limit and are never changed. What is
none of the ``kinds`` of claim is counted, and given as it is: whoever reads it refuses the key.
Used by whoever must answer a repeated request as it answered the first; made by ``bootstrap``.
"""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import BaseModel, ValidationError

from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.topology import Bucket
from trigger_runtime.process.errors import BrokerUnavailable, StaleExpectation

from .connection import Connection
from .publisher import JetStreamPublisher, Message
from .reader import StoredMessage, StreamReader
from .records import pass_over

_ATTEMPTS = 3
"""A claim that is there when we write and gone when we read has just expired: write again."""


class IdempotencyStore:
    """Claims in one bucket: the first claim of a key is kept, whoever else tries to make one."""

    def __init__(
        self,
        connection: Connection,
        bucket: Bucket,
        kinds: Sequence[type[BaseModel]],
        *,
        timeout: timedelta,
    ) -> None:
        self._bucket = bucket
        self._kinds = kinds
        self._publisher = JetStreamPublisher(connection, bucket.stream, timeout=timeout)
        self._reader = StreamReader(connection, bucket.stream, timeout=timeout)

    async def find(self, key: str) -> bytes | None:
        """What ``key`` was claimed with. None may be a moment old: ``reserve`` is what decides."""
        stored = await self._reader.last(self._bucket.subject(key))
        return None if stored is None else self._value(stored)

    async def reserve(self, key: str, value: bytes) -> bytes:
        """Claim ``key`` with ``value``; the winner's value, which may be another's.

        Raises BrokerUnavailable, after which it may or may not be claimed: repeat the call.
        """
        subject = self._bucket.subject(key)
        for _ in range(_ATTEMPTS):
            try:
                await self._publisher.publish(Message(subject, value, expected_last_subject_seq=0))
            except StaleExpectation:
                # The leader refused the write, so the leader knows the winner.
                stored = await self._reader.last_from_leader(subject)
                if stored is not None:
                    return self._value(stored)
            else:
                return value
        raise BrokerUnavailable(f"{key} is neither free nor claimed")

    def _value(self, stored: StoredMessage) -> bytes:
        if why := why_unreadable(stored.headers):
            pass_over(self._bucket.stream, stored, why)
            return b""
        if not any(_is_claim(kind, stored.payload) for kind in self._kinds):
            pass_over(self._bucket.stream, stored, "not what a key is claimed with")
        return stored.payload

    async def flush(self) -> None:
        """Wait until every claim begun has its outcome. For stopping."""
        await self._publisher.flush()


def _is_claim(kind: type[BaseModel], value: bytes) -> bool:
    try:
        kind.model_validate_json(value)
    except ValidationError:
        return False
    return True
