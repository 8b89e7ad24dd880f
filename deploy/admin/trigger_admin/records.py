"""Records that no service can read: finds and removes them, for ``etp records``.

The services pass such a record over; whoever wants it gone, removes it here. Nothing that can be
read is ever removed: a trigger's log and its fence are made of these. What a record is,
``trigger_contracts.records`` says, as it does to the services. What cannot be read among the
commands is no matter of this: it was answered, and is a dead letter.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from trigger_contracts import records, subjects, topology
from trigger_contracts.deliveries.health import health_in
from trigger_contracts.deliveries.records import record_in
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.records import Unreadable
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader

from .errors import AdminError
from .installation import Installation, clock_of_record, reading

PAGE = 500
READ_TIMEOUT = timedelta(seconds=10)
_EVERYTHING = ">"
_OF_COMMANDS = (topology.INGRESS.name, topology.COMMANDS.name)

IN_COMMANDS = (
    f"{' and '.join(_OF_COMMANDS)} are not looked through: what cannot be read there is a dead "
    "letter (GET /dead-letters/)."
)

Judge = Callable[[StoredMessage, datetime], object]
"""Reads a message as a record of its stream, at an instant of the clock of record; raises
``Unreadable``."""


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record that cannot be read; ``why`` quotes nothing of it."""

    stream: str
    seq: int
    subject: str
    stored_at: datetime
    why: str


async def unreadable(target: Installation) -> list[FoundRecord]:
    """Every record of every stream that cannot be read, in their order."""
    found: list[FoundRecord] = []
    now = await clock_of_record(target)
    async with reading(target) as connection:
        for stream, judge in _JUDGES.items():
            reader = StreamReader(connection, stream, timeout=READ_TIMEOUT)
            seq = 0
            while page := await reader.after(seq, _EVERYTHING, PAGE):
                for message in page:
                    if (why := _why(judge, message, now)) is not None:
                        place = (message.seq, message.subject, message.stored_at)
                        found.append(FoundRecord(stream, *place, why))
                seq = page[-1].seq
    return found


async def remove(target: Installation, stream: str, seq: int) -> str:
    """Remove one that cannot be read; returns a sentence. Raises ``AdminError`` for any other."""
    judge = _JUDGES.get(stream)
    if judge is None:
        if stream in _OF_COMMANDS:
            raise AdminError(IN_COMMANDS)
        raise AdminError(f"There is no stream {stream}. There are: {', '.join(_JUDGES)}.")
    now = await clock_of_record(target)
    async with reading(target) as connection:
        reader = StreamReader(connection, stream, timeout=READ_TIMEOUT)
        message = await reader.get(seq)
        if message is None:
            raise AdminError(f"{stream} has nothing at {seq}: it was removed, or its life is over.")
        why = _why(judge, message, now)
        if why is None:
            raise AdminError(
                f"The record at {seq} of {stream} can be read, and the platform counts on it: "
                "it is not removed."
            )
        if stream == topology.IDEMPOTENCY.stream:
            # A bucket denies deletes; of its subjects each has one message.
            action, body = "PURGE", {"filter": message.subject, "seq": seq + 1}
        else:
            action, body = "MSG.DELETE", {"seq": seq}
        answer = await connection.client.request(
            f"$JS.API.STREAM.{action}.{stream}",
            json.dumps(body).encode(),
            timeout=READ_TIMEOUT.total_seconds(),
        )
        refusal = json.loads(answer.data).get("error")
        if refusal:
            raise AdminError(f"The broker did not remove it: {refusal.get('description')}")
    return f"Removed {seq} of {stream}, on {message.subject}: {why}."


def _why(judge: Judge, message: StoredMessage, now: datetime) -> str | None:
    """Why a message is no record of its stream; None if it is one."""
    if reason := why_unreadable(message.headers):
        return reason
    try:
        judge(message, now)
    except Unreadable as error:
        return str(error)
    return None


def _judge_due(message: StoredMessage, now: datetime) -> None:
    records.due_in(message.subject, message.payload, now=now, stored_at=message.stored_at)


def _judge_event(message: StoredMessage, _now: datetime) -> None:
    if subjects.matches(message.subject, subjects.LOG_ROWS):
        records.event_in(message.payload)
    elif subjects.matches(message.subject, (subjects.ALL_DELIVERY,)):
        record_in(message.subject, message.payload)
    elif subjects.matches(message.subject, (subjects.ALL_HEALTH,)):
        health_in(message.subject, message.payload)


_JUDGES: dict[str, Judge] = {
    topology.CHANGES.name: lambda message, _: records.change_in(message.subject, message.payload),
    topology.TARGETS.name: lambda message, _: records.target_in(message.subject, message.payload),
    topology.DUE.name: _judge_due,
    topology.EVENTS.name: _judge_event,
    topology.DEAD.name: lambda message, _: records.dead_letter_in(message.payload),
    topology.IDEMPOTENCY.stream: lambda message, _: records.must_be_a_claim(message.payload),
}
