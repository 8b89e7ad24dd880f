"""A target that is written out for one test: kept in the test's own change, and nowhere else."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from trigger_contracts.errors import Code, Refused, refused

from .fields import TargetDefinition, parse_target
from .sealing import is_sealed

PLACE = "/target"
"""Where a test's command has it."""


class TestTarget(BaseModel):
    """``target_id`` is made of the test's command, so that nobody's secrets are sealed for it but
    this one's. ``secret`` is what its requests are signed with, sealed.
    """

    __test__ = False  # pytest: not a test class, whatever its name

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    target_id: str
    definition: TargetDefinition
    secret: str | None = None


def written_out(fields: Mapping[str, Any], target_id: str) -> TestTarget:
    """The target in a test's command; raises ``Refused`` with every fault and its pointer."""
    given = dict(fields)
    secret = given.pop("secret", None)
    try:
        definition = parse_target(given)
        if definition.alert_target is not None:
            detail = "nobody is told of a target that is there for one test"
            raise refused(Code.INVALID, detail, pointer="/alert_target")
        if definition.type == "webhook":
            _must_be_sealed(secret, "/secret")
        elif secret is not None:
            raise refused(Code.INVALID, "a nats target has none", pointer="/secret")
        for name, value in definition.secret_headers.items():
            _must_be_sealed(value, f"/secret_headers/{name}")
    except Refused as refusal:
        raise under_target(refusal) from None
    return TestTarget(target_id=target_id, definition=definition, secret=secret)


def under_target(refusal: Refused) -> Refused:
    """What is wrong with a target, told of the command that it is written out in."""
    found = refusal.problem
    errors = tuple(
        error.model_copy(update={"pointer": PLACE + error.pointer}) for error in found.errors
    )
    return Refused(found.model_copy(update={"errors": errors}))


def _must_be_sealed(value: Any, pointer: str) -> None:
    if not isinstance(value, str) or not is_sealed(value):
        detail = "a secret is published sealed: GET /targets/sealing-key"
        raise refused(Code.SECRET_MUST_BE_SEALED, detail, pointer=pointer)
