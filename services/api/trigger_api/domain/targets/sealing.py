"""Seals what is secret in a request, before anything of it is published."""

from collections.abc import Mapping
from typing import Any

from trigger_contracts.errors import Code, FieldError, Refused, pointer, problem, refused
from trigger_contracts.targets.fields import MASK
from trigger_contracts.targets.sealing import SECRET_FIELD, SealingKey, header_field, is_sealed

SETTING = "ETP_SEALING_PUBLIC_KEY"


class Seals:
    """Has the public key, if the operator gave one: what it sealed, it cannot open."""

    def __init__(self, key: SealingKey | None) -> None:
        self._key = key

    @property
    def key(self) -> SealingKey:
        """Raises ``Refused`` where there is none."""
        if self._key is None:
            detail = f"no secret can be sealed: the operator has to set {SETTING}"
            raise refused(Code.UNAVAILABLE, detail)
        return self._key

    def secret(self, secret: str, target_id: str) -> str:
        """What requests are signed with, sealed; what came sealed stays as it is."""
        if is_sealed(secret):
            return secret
        return self.key.seal(secret, target_id=target_id, field=SECRET_FIELD)

    def headers(self, fields: Mapping[str, Any], target_id: str) -> dict[str, Any]:
        """``fields`` with the values of their secret headers sealed.

        A mask stays, which keeps a value, and so does null, which takes one out of a merge.
        """
        given = fields.get("secret_headers")
        if not isinstance(given, dict):
            return dict(fields)
        return {
            **fields,
            "secret_headers": {
                name: self.key.seal(value, target_id=target_id, field=header_field(name))
                if _is_clear(value)
                else value
                for name, value in given.items()
            },
        }


def _is_clear(value: Any) -> bool:
    return isinstance(value, str) and value != MASK and not is_sealed(value)


def must_be_clear(given: Mapping[str, str]) -> None:
    """Refuse secret headers of a target that is only being made: there is none to keep a value of,
    and no id yet that one could be sealed for.
    """
    errors = [
        FieldError(
            pointer=pointer(("secret_headers", name)),
            message="there is no value to keep"
            if value == MASK
            else "it cannot be sealed for a target that has no id yet: send it as it is",
        )
        for name, value in given.items()
        if not _is_clear(value)
    ]
    if errors:
        raise Refused(problem(Code.INVALID, errors[0].message, errors))
