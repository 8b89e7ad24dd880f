"""What the gateway shows of a target, and what an owner may send back of that.

Never a secret, sealed or not, but in the answer to whoever made it. ``representation`` of the
contracts is the same, and this documents it.
"""

from collections.abc import Collection
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from trigger_api.domain.schemas import Accepted
from trigger_contracts.targets.changes import (
    TargetChanged,
    TargetChangeKind,
    TargetStatus,
    masked,
    representation,
)
from trigger_contracts.targets.fields import TargetDefinition
from trigger_contracts.targets.url import parse_url

from .health import TargetHealth

_FROZEN = ConfigDict(frozen=True)

_ONCE = "What requests are signed with; shown here alone, and never again."


class SecretShown(BaseModel):
    """A secret that requests are signed with, without itself."""

    model_config = _FROZEN

    made_at: AwareDatetime
    expires_at: AwareDatetime | None = Field(
        description="Until when it signs beside a newer one; null for the newest."
    )


class TargetShown(TargetDefinition):
    """A target."""

    id: str
    secrets: tuple[SecretShown, ...] = Field(
        description="Those that sign, the newest first; a NATS target has none."
    )
    version: int = Field(description="Also the ETag. Grows with every edit and rotation.")
    created_at: AwareDatetime
    updated_at: AwareDatetime


class TargetDetail(TargetShown):
    """A target, and how it is."""

    health: TargetHealth


class TargetWithSecret(TargetShown):
    """A target whose secret was made: there is none in the answer to a repeated request."""

    secret: str | None = Field(description=_ONCE)


class TargetAccepted(Accepted):
    """The command is stored and will be applied; its result is not known yet."""

    secret: str | None = Field(description=_ONCE)


class TargetVersion(BaseModel):
    """A version of a target, from its history."""

    model_config = _FROZEN

    version: int
    kind: TargetChangeKind
    status: TargetStatus
    at: AwareDatetime
    actor: str
    secrets: tuple[SecretShown, ...]
    definition: TargetDefinition


class SealingKeyShown(BaseModel):
    """What secrets are sealed to before they are published: HPKE (RFC 9180), in one shot each, by
    X25519, HKDF-SHA256 and AES-128-GCM.
    """

    model_config = _FROZEN

    key_id: str = Field(description="The first 16 hex digits of the key's SHA-256.")
    public_key: str = Field(description="32 bytes, as base64url.")
    form: str = Field(
        default="hpke1.<key id>.<encapsulated key and ciphertext as base64url>",
        description="How a sealed value is written.",
    )
    info: str = Field(
        default="etp target hpke1|<target id>|<field>",
        description="What it is bound to: `field` is `secret`, or `secret_headers/` and the "
        "header's name in small letters.",
    )


_READ_ONLY = TargetDetail.model_fields.keys() - TargetDefinition.model_fields.keys()


def written(fields: Any) -> Any:
    """What a target's representation, read, edited and sent back, says of its definition."""
    if not isinstance(fields, dict):
        return fields
    return {name: value for name, value in fields.items() if name not in _READ_ONLY}


def shown(change: TargetChanged, scopes: Collection[str]) -> dict[str, Any]:
    """A target as whoever has these ``scopes`` may see it."""
    return {**representation(change), "url": _url(change.definition, scopes)}


def version_of(change: TargetChanged, scopes: Collection[str]) -> TargetVersion:
    """A version as whoever has these ``scopes`` may see it."""
    definition = masked(change.definition)
    return TargetVersion(
        version=change.version,
        kind=change.kind,
        status=change.status,
        at=change.at,
        actor=change.actor,
        secrets=tuple(
            SecretShown(made_at=one.made_at, expires_at=one.expires_at) for one in change.secrets
        ),
        definition=definition.model_copy(update={"url": _url(definition, scopes)}),
    )


def _url(definition: TargetDefinition, scopes: Collection[str]) -> str | None:
    """The one place where it is decided who sees a whole URL: its path may be a secret itself."""
    if definition.url is None or "write" in scopes:
        return definition.url
    return parse_url(definition.url).origin
