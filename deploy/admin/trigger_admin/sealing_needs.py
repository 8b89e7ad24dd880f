"""What still needs an old sealing key, so that nobody drops it too early.

Secrets live in targets, and for at most 48 h in what comes before and beside them: a command that
is not handled yet, or that is a dead letter and can be redriven; an idempotency key, whose
repetition publishes the secret of the first request; a test's change, with a target that it wrote
out. Reads only, and opens nothing: whose key a secret needs stands before it.
"""

import re
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nats.aio.client import Client
from pydantic import BaseModel, ValidationError

from trigger_contracts import records, subjects, topology
from trigger_contracts.dead_letters import original_of
from trigger_contracts.events import DeadLetter
from trigger_contracts.records import Unreadable
from trigger_contracts.schedule import Once
from trigger_contracts.subjects import Verb
from trigger_contracts.targets.sealing import VERSION
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader

from .installation import Installation, admin_connection, reading
from .resealing import count_by_key

READ_TIMEOUT = timedelta(seconds=10)
PAGE = 500

CARRYING = (Verb.CREATE_TARGET, Verb.UPDATE_TARGET, Verb.ROTATE_TARGET, Verb.TEST)
"""Commands that may bring secrets along."""
KEYED = (Verb.CREATE_TARGET, Verb.ROTATE_TARGET)
"""Those whose secrets are kept under an idempotency key, too."""

_KEY_ID = re.compile(rf"{re.escape(VERSION)}\.([0-9a-f]{{16}})\.".encode())


@dataclass(frozen=True, slots=True)
class Need:
    """What needs an old key: how many of it, and until when; None is until it is sealed anew."""

    what: str
    count: int
    until: datetime | None = None

    def told(self) -> str:
        if self.until is None:
            return f"{self.count} {self.what}"
        return f"{self.count} {self.what}, until {self.until.isoformat(timespec='seconds')}"


async def needs_of_old_keys(target: Installation, current: str) -> list[Need]:
    """What needs another key than the one with the id ``current``; empty once others may go."""
    by_key = await count_by_key(target)
    in_targets = sum(count for key_id, count in by_key.items() if key_id != current)
    found = [Need("secrets of targets are still sealed to an old key", in_targets)]
    async with admin_connection(target) as client, reading(target) as connection:
        handled = await _handled(client)
        looks = (
            ("commands with a secret are not handled yet", _commands(connection, handled)),
            ("dead letters hold a command with a secret", _letters(connection)),
            ("idempotency keys hold a secret that was never handled", _claims(connection, handled)),
            ("targets are written out in tests that may still be delivered", _tests(connection)),
        )
        for what, look in looks:
            ends = [end async for message, end in look if _needs_another(message, current)]
            if ends:
                found.append(Need(what, len(ends), max(ends)))
    return [need for need in found if need.count]


def told(needs: Sequence[Need]) -> str:
    """The outcome in sentences."""
    if not needs:
        return "No old key is needed any more."
    return f"Old keys are still needed: {'; '.join(need.told() for need in needs)}."


def _needs_another(sealed: bytes, current: str) -> bool:
    return any(key_id.decode() != current for key_id in _KEY_ID.findall(sealed))


_Looked = AsyncIterator[tuple[bytes, datetime]]
"""What may hold secrets, and when its life ends."""


async def _commands(connection: Connection, handled: int) -> _Looked:
    for verb in CARRYING:
        async for message in _each(connection, topology.COMMANDS.name, handled, verb=verb):
            yield _brought(message.payload), message.stored_at + topology.LOG_LIFE


async def _letters(connection: Connection) -> _Looked:
    async for message in _each(connection, topology.DEAD.name, 0):
        try:
            letter = records.dead_letter_in(message.payload)
        except Unreadable:
            continue
        if isinstance(letter, DeadLetter) and letter.stream == topology.COMMANDS.name:
            yield _brought(original_of(letter).body), letter.stored_at + topology.LOG_LIFE


async def _claims(connection: Connection, handled: int) -> _Looked:
    """Those whose command the scheduler has not had: it answers a repetition of any other."""
    every = _each(connection, topology.IDEMPOTENCY.stream, 0)
    held = [message async for message in every if _KEY_ID.search(message.payload)]
    done = await _ids_of_handled(connection, handled) if held else frozenset[str]()
    for message in held:
        if message.subject.rsplit(".", 1)[-1] not in done:
            yield message.payload, message.stored_at + topology.IDEMPOTENCY.ttl


async def _tests(connection: Connection) -> _Looked:
    """A test's change is there for as long as its event may be delivered."""
    async for message in _each(connection, topology.CHANGES.name, 0, subjects.ALL_TESTED):
        try:
            change = records.change_in(message.subject, message.payload)
        except Unreadable:
            continue
        fires_at = change.schedule.at if isinstance(change.schedule, Once) else change.at
        yield message.payload, max(fires_at, change.at) + topology.LOG_LIFE


async def _handled(client: Client) -> int:
    """How far the scheduler has acknowledged the commands."""
    consumer = topology.SCHEDULER_COMMANDS
    info = await client.jetstream().consumer_info(consumer.stream.name, consumer.durable)
    return info.ack_floor.stream_seq if info.ack_floor is not None else 0


async def _ids_of_handled(connection: Connection, handled: int) -> Collection[str]:
    found: set[str] = set()
    for verb in KEYED:
        async for message in _each(connection, topology.COMMANDS.name, 0, verb=verb):
            if message.seq > handled:
                break
            found.update(_command_id(message))
    return found


class _Resealing(BaseModel):
    resealed: dict[str, str]


def _brought(command: bytes) -> bytes:
    """What of a command may come to be a target's: not what one of ``reseal`` takes away."""
    try:
        return "\n".join(_Resealing.model_validate_json(command).resealed.values()).encode()
    except ValidationError:
        return command


class _Identified(BaseModel):
    command_id: str


def _command_id(message: StoredMessage) -> Iterator[str]:
    try:
        yield _Identified.model_validate_json(message.payload).command_id
    except ValidationError:
        return


async def _each(
    connection: Connection, stream: str, seq: int, subject: str = ">", *, verb: Verb | None = None
) -> AsyncIterator[StoredMessage]:
    """All of a stream's messages on a subject, or that of a command, after ``seq``."""
    reader = StreamReader(connection, stream, timeout=READ_TIMEOUT)
    wanted = subject if verb is None else subjects.command(verb)
    while page := await reader.after(seq, wanted, PAGE):
        for message in page:
            yield message
        seq = page[-1].seq
