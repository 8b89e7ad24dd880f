"""The source of truth of targets: each change carries the full state, so the newest is the target.

A secret is in none of them but sealed.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from .fields import MASK, TargetDefinition
from .sealing import SECRET_FIELD, header_field


class TargetStatus(StrEnum):
    """Whether there is a target."""

    ACTIVE = "active"
    DELETED = "deleted"


class TargetChangeKind(StrEnum):
    """What happened to a target."""

    CREATED = "created"
    UPDATED = "updated"
    ROTATED = "rotated"
    DELETED = "deleted"


class SigningSecret(BaseModel):
    """A secret that requests are signed with: until ``expires_at``, None for the newest one."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    sealed: str
    made_at: AwareDatetime
    expires_at: AwareDatetime | None = None


class TargetChanged(BaseModel):
    """A target changed, and this is its full state since.

    ``creation_id`` is the id of the command that created it: a target deleted and created again
    under its id is another one. ``secrets`` has the newest one first; a NATS target has none.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    schema_version: Literal[1] = 1
    kind: TargetChangeKind
    target_id: str
    creation_id: str
    command_id: str
    version: int
    status: TargetStatus
    definition: TargetDefinition
    secrets: tuple[SigningSecret, ...] = ()
    actor: str
    at: AwareDatetime
    created_at: AwareDatetime
    created_by: str


def representation(change: TargetChanged) -> dict[str, Any]:
    """The target as the REST resource and a command's result show it: no secret, sealed or not."""
    return {
        "id": change.target_id,
        **masked(change.definition).model_dump(mode="json"),
        "secrets": [
            {"made_at": _text(one.made_at), "expires_at": one.expires_at and _text(one.expires_at)}
            for one in change.secrets
        ],
        "version": change.version,
        "created_at": _text(change.created_at),
        "updated_at": _text(change.at),
    }


def sealed_values(change: TargetChanged) -> Iterator[tuple[str, str]]:
    """What a target has sealed, each with the field that it is sealed for."""
    for secret in change.secrets:
        yield SECRET_FIELD, secret.sealed
    for name, value in change.definition.secret_headers.items():
        if value != MASK:  # as a deleted target's are
            yield header_field(name), value


def masked(definition: TargetDefinition) -> TargetDefinition:
    """The definition without the values of secret headers."""
    hidden = dict.fromkeys(definition.secret_headers, MASK)
    return definition.model_copy(update={"secret_headers": hidden})


def _text(instant: AwareDatetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
