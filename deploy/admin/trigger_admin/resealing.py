"""Seals what targets have to the current key, by the update commands that everybody may send.

So that an old key can be dropped. It changes a target as an edit does, by the scheduler and under
the version that was read: nothing of an edit in between is lost. What is sealed to the current key
already is left, so a run that was stopped is finished by the next one. Until the old key is dropped
both open, and deliveries go on.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from nats.aio.client import Client

from trigger_contracts import subjects, topology
from trigger_contracts.commands import TargetDone, UpdateTarget
from trigger_contracts.errors import Code
from trigger_contracts.records import Unreadable, target_in
from trigger_contracts.subjects import Verb
from trigger_contracts.targets.changes import TargetChanged, TargetStatus, sealed_values
from trigger_contracts.targets.sealing import OpeningKeys, SealError, key_id_of
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.ids import new_id

from .errors import AdminError
from .installation import Installation, admin_connection, reading

READ_TIMEOUT = timedelta(seconds=10)

ANSWER_TIMEOUT_S = 10.0
"""Longer than a scheduler takes that another one's commands are handed to."""

PAGE = 500
"""Changes read at once: a target is some kB."""

AT_ONCE = 20
"""Commands that wait for their answer: the scheduler has its own to do."""

ACTOR = "etp sealing reseal"


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A target as it was read: what is not sealed to the current key, and what takes its place."""

    change: TargetChanged
    resealed: Mapping[str, str]


@dataclass(slots=True)
class Resealed:
    """What a run came to. Targets are named by their ids."""

    key_id: str
    """Of the current key."""
    changed: set[str] = field(default_factory=set)
    closed: dict[str, str] = field(default_factory=dict)
    """With something that none of the keys opens, each with the reason: left as they are."""
    refused: dict[str, str] = field(default_factory=dict)
    """Each with what the scheduler said."""
    secrets: int = 0
    """How many all targets have."""

    def told(self) -> list[str]:
        """The outcome in sentences."""
        lines = [
            f"{len(self.changed)} targets were sealed anew.",
            *(f"{one} has a secret that does not open: {why}" for one, why in self.closed.items()),
            *(f"{one} was not changed: {why}" for one, why in self.refused.items()),
        ]
        if self.is_done:
            lines.append(
                f"All {self.secrets} secrets of targets are sealed to the key {self.key_id}."
            )
        return lines

    @property
    def is_done(self) -> bool:
        return not self.closed and not self.refused


async def reseal(target: Installation, keys: OpeningKeys) -> Resealed:
    """Have every living target's secrets sealed to the first of ``keys``, while services run.

    Raises AdminError where no scheduler answers.
    """
    outcome = Resealed(keys.current.key_id)
    async with admin_connection(target) as client, reading(target) as connection:
        reader = StreamReader(connection, topology.TARGETS.name, timeout=READ_TIMEOUT)
        living: dict[str, TargetChanged] = {}
        seq = 0
        # Once more for what was changed meanwhile, until there is nothing left to do.
        while True:
            seq = await _read(reader, seq, living)
            outcome.secrets = sum(len(list(sealed_values(one))) for one in living.values())
            due = list(_due(living, keys, outcome))
            if not due:
                return outcome
            for begin in range(0, len(due), AT_ONCE):
                await asyncio.gather(
                    *(_change(client, one, outcome) for one in due[begin : begin + AT_ONCE])
                )


async def count_by_key(target: Installation) -> dict[str, int]:
    """How many secrets of living targets are sealed to each key, by its id."""
    async with reading(target) as connection:
        reader = StreamReader(connection, topology.TARGETS.name, timeout=READ_TIMEOUT)
        living: dict[str, TargetChanged] = {}
        await _read(reader, 0, living)
    found: dict[str, int] = {}
    for change in living.values():
        for _, sealed in sealed_values(change):
            key_id = key_id_of(sealed) or "none"
            found[key_id] = found.get(key_id, 0) + 1
    return found


async def _read(reader: StreamReader, seq: int, living: dict[str, TargetChanged]) -> int:
    """Bring ``living`` up to the log's end, from after ``seq``; how far that is."""
    while found := await reader.after(seq, subjects.ALL_TARGETS, PAGE):
        seq = found[-1].seq
        for message in found:
            try:
                change = target_in(message.subject, message.payload)
            except Unreadable:
                continue  # The services pass it over, too; etp records list names it.
            if change.status is TargetStatus.DELETED:
                living.pop(change.target_id, None)
            else:
                living[change.target_id] = change
    return seq


def _due(
    living: Mapping[str, TargetChanged], keys: OpeningKeys, outcome: Resealed
) -> Iterator[_Sealed]:
    for target_id, change in living.items():
        if target_id in outcome.closed or target_id in outcome.refused:
            continue
        try:
            resealed = {
                sealed: keys.current.seal(
                    keys.open(sealed, target_id=target_id, field=of), target_id=target_id, field=of
                )
                for of, sealed in sealed_values(change)
                if key_id_of(sealed) != keys.current.key_id
            }
        except SealError as error:
            outcome.closed[target_id] = str(error)
            continue
        if resealed:
            yield _Sealed(change, resealed)


async def _change(client: Client, sealed: _Sealed, outcome: Resealed) -> None:
    """One target; what somebody else changed meanwhile is left for the next look."""
    target_id = sealed.change.target_id
    command = UpdateTarget(
        command_id=new_id(),
        actor=ACTOR,
        target_id=target_id,
        expected_version=sealed.change.version,
        resealed=dict(sealed.resealed),
    )
    answer = await _answer(client, command)
    if answer.get("target_id") == target_id and "code" not in answer:
        outcome.changed.add(TargetDone.model_validate(answer).target_id)
    elif answer.get("code") not in (Code.VERSION_MISMATCH, Code.NOT_FOUND):
        outcome.refused[target_id] = str(answer.get("detail"))


async def _answer(client: Client, command: UpdateTarget) -> dict[str, Any]:
    inbox = f"{subjects.inbox_prefix('client')}.{new_id()}"
    waiting = await client.subscribe(inbox, max_msgs=1)
    try:
        await client.jetstream(timeout=ANSWER_TIMEOUT_S).publish(
            subjects.command(Verb.UPDATE_TARGET),
            command.model_dump_json(exclude_unset=True).encode(),
            headers={subjects.REPLY_TO_HEADER: inbox},
        )
        answer: dict[str, Any] = json.loads((await waiting.next_msg(ANSWER_TIMEOUT_S)).data)
    except TimeoutError:
        raise AdminError(
            "No scheduler answers: targets are sealed anew by update commands, while the services "
            "run. What was done stays done; repeat it."
        ) from None
    finally:
        await waiting.unsubscribe()
    return answer
