"""Creates: checked as the scheduler will, and under an idempotency key the same for ever."""

import hashlib
import json
from datetime import datetime
from typing import Any

from trigger_contracts import trigger
from trigger_contracts.commands import SCHEMA_VERSION, CreateTrigger, new_trigger_id
from trigger_contracts.errors import Refused
from trigger_contracts.faults import accepted
from trigger_contracts.idempotency import CreateClaim

_OWN_FIELDS = CreateTrigger.model_fields.keys()


def command_id(key_id: str, key: str, what: str = "create") -> str:
    """The command id of a keyed create: the scheduler answers a repeated one as the first.

    ``what`` else is keyed in the same way: a key means another request there.
    """
    return hashlib.sha256(f"{what}\0{key_id}\0{key}".encode()).hexdigest()


def request_id(key_id: str, key: str) -> str:
    """As ``command_id``, of a request with many creates: ``part_id`` makes one of each."""
    return hashlib.sha256(f"bulk\0{key_id}\0{key}".encode()).hexdigest()


def part_id(request_id: str, index: int) -> str:
    return hashlib.sha256(f"{request_id}\0{index}".encode()).hexdigest()


def store_key(command_id: str) -> str:
    """The claim's key in the store. A fire's has two tokens, so they never meet."""
    return f"create.by-key.{command_id}"


def claim_for(fields: Any, accepted_at: datetime) -> CreateClaim:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return CreateClaim(accepted_at=accepted_at, body_hash=hashlib.sha256(text.encode()).hexdigest())


def checked(fields: Any, *, command_id: str, accepted_at: datetime, actor: str) -> CreateTrigger:
    """The command that creates what ``fields`` define, checked as the scheduler will.

    Raises ``Refused``.
    """
    if not isinstance(fields, dict) or _OWN_FIELDS & fields.keys():
        # A command's own fields are unknown in a definition: this says so.
        accepted(fields, accepted_at)
    trigger_id = new_trigger_id(command_id, accepted_at)
    command = CreateTrigger.model_validate(
        {
            **fields,
            "schema_version": SCHEMA_VERSION,
            "command_id": command_id,
            "accepted_at": accepted_at,
            "actor": actor,
            "trigger_id": trigger_id,
        }
    )
    decision = trigger.decide(
        command,
        None,
        trigger.Moment(accepted_at=accepted_at, now=accepted_at),
        trigger_id=trigger_id,
        command_id=command_id,
    )
    if isinstance(decision, trigger.Rejected):
        raise Refused(decision.problem)
    return command
