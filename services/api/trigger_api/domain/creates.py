"""Creates under an idempotency key: a repeated one means the trigger of the first."""

import hashlib
import json
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict


class CreateClaim(BaseModel):
    """What all creates of one API key under one idempotency key share. Kept for 48 h."""

    model_config = ConfigDict(frozen=True)

    accepted_at: AwareDatetime
    body_hash: str


def command_id(key_id: str, key: str) -> str:
    """The command id of a keyed create: the scheduler answers a repeated one as the first."""
    return hashlib.sha256(f"create\0{key_id}\0{key}".encode()).hexdigest()


def store_key(command_id: str) -> str:
    """The claim's key in the store. A fire's has two tokens, so they never meet."""
    return f"create.by-key.{command_id}"


def claim_for(fields: Any, accepted_at: datetime) -> CreateClaim:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return CreateClaim(accepted_at=accepted_at, body_hash=hashlib.sha256(text.encode()).hexdigest())
