"""Requests that make targets and exchange their secrets, checked as the scheduler will."""

import hashlib
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trigger_contracts.errors import Code, Refused, combined, from_validation, refused
from trigger_contracts.strict_json import canonical
from trigger_contracts.targets import secrets
from trigger_contracts.targets.fields import TargetDefinition, parse_target
from trigger_contracts.targets.sealing import is_sealed
from trigger_contracts.targets.target import Rules, overlap_of

from .sealing import must_be_clear


@dataclass(frozen=True, slots=True)
class NewTarget:
    """What a create asks for."""

    fields: dict[str, Any]
    """Of the definition, as they were written."""
    definition: TargetDefinition
    secret: str | None
    """What its owner brought along."""

    @property
    def is_signed(self) -> bool:
        return self.definition.type == "webhook"


def new_target(fields: Any, rules: Rules) -> NewTarget:
    """The create in a body (parsed JSON); raises ``Refused`` with all that is wrong with it."""
    if not isinstance(fields, dict):
        raise refused(Code.INVALID, "must be a JSON object", pointer="")
    rest = {name: value for name, value in fields.items() if name != "secret"}
    secret = fields.get("secret")
    wrong: list[Refused] = []
    try:
        _check_secret(secret, rest.get("type"))
    except Refused as refusal:
        wrong.append(refusal)
    definition = None
    try:
        definition = parse_target(rest, rules)
        must_be_clear(definition.secret_headers)
    except Refused as refusal:
        wrong.append(refusal)
    if wrong or definition is None:
        raise Refused(combined(each.problem for each in wrong))
    return NewTarget(rest, definition, secret)


def _check_secret(secret: Any, kind: Any) -> None:
    if secret is None:
        return
    if not isinstance(secret, str):
        raise refused(Code.INVALID, "Input should be a valid string", pointer=secrets.POINTER)
    if kind == "nats":
        raise refused(Code.INVALID, "a nats target has none", pointer=secrets.POINTER)
    secrets.key_of(secret)


class Rotation(BaseModel):
    """What another secret is to be, and for how long the present one signs beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    secret: str | None = Field(
        default=None, description="`whsec_` and 24 to 64 bytes as base64; made, if not given."
    )
    overlap: str | int | float | None = Field(
        default=None,
        description="For how long the present one signs as well: seconds or an ISO 8601 duration, "
        "0 to 7 days; 24 h by default.",
    )


def rotation(fields: Any) -> Rotation:
    """The rotation in a body (parsed JSON, or None for an empty one); raises ``Refused``."""
    if fields is None:
        return Rotation()
    if not isinstance(fields, dict):
        raise refused(Code.INVALID, "must be a JSON object", pointer="")
    try:
        wanted = Rotation.model_validate(fields)
    except ValidationError as error:
        raise Refused(from_validation(error)) from None
    wrong: list[Refused] = []
    try:
        overlap_of(wanted.overlap)
    except Refused as refusal:
        wrong.append(refusal)
    try:
        if wanted.secret is not None and not is_sealed(wanted.secret):
            secrets.key_of(wanted.secret)
    except Refused as refusal:
        wrong.append(refusal)
    if wrong:
        raise Refused(combined(each.problem for each in wrong))
    return wanted


def body_hash(fields: Any, salt: str) -> str:
    """What all requests under one idempotency key must share.

    As slow as a password's, 50 ms, where there are secret headers: the hash is stored, and what
    they carry may be short enough to be guessed.
    """
    text = canonical(fields).encode()
    if isinstance(fields, dict) and fields.get("secret_headers"):
        return hashlib.scrypt(text, salt=salt.encode(), n=2**14, r=8, p=1, dklen=32).hex()
    return hashlib.sha256(salt.encode() + b"\0" + text).hexdigest()
