"""Many creates in one request: each definition checked by itself, and what is said of each.

Pure. A definition is checked exactly as one that is posted alone; what is refused keeps its
place, so that its owner finds it.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from trigger_api.domain.encoding import encoded
from trigger_contracts import strict_json
from trigger_contracts.bulk_body import RawDefinition
from trigger_contracts.commands import CommandDone
from trigger_contracts.errors import (
    MAX_REPORTED_ERRORS,
    Code,
    FieldError,
    Problem,
    Refused,
    problem,
    refused,
    shortened,
)
from trigger_contracts.idempotency import CreateClaim
from trigger_contracts.targets.target import missing_of, unknown_targets
from trigger_contracts.topology import MAX_BODY_BYTES

from . import creates

MAX_LISTED_ERRORS = 1_000
"""Fields that an answer names in all its refused lines together: 600 kB at most. The lines
after those still say what is wrong, without the fields."""


class LineProblem(BaseModel):
    """Why a definition was refused; pointers begin at the definition."""

    model_config = ConfigDict(frozen=True)

    code: Code
    detail: str
    errors: tuple[FieldError, ...] = ()


class Line(BaseModel):
    """What became of one definition."""

    model_config = ConfigDict(frozen=True)

    line: int = Field(description="In NDJSON the line, in an array the position; from 1.")
    status: Literal["created", "refused", "accepted"] = Field(
        description="`accepted`: stored, and applied as soon as the scheduler gets to it."
    )
    id: str | None = Field(default=None, description="Of the trigger; absent if refused.")
    version: int | None = Field(default=None, description="Of the trigger; there once created.")
    problem: LineProblem | None = Field(default=None, description="There if refused.")


class BulkCreated(BaseModel):
    """What became of every definition, in their order."""

    model_config = ConfigDict(frozen=True)

    created: int
    refused: int
    accepted: int
    lines: tuple[Line, ...]

    @property
    def status(self) -> int:
        """The answer's: 201 only if every trigger is there."""
        if self.accepted:
            return 202
        return 200 if self.refused else 201


class Ready(NamedTuple):
    """A definition that passed, as the command that creates it.

    A tuple, for the garbage collector: of ten thousand it looks at each once, not again and again.
    """

    place: int
    trigger_id: str
    body: bytes


@dataclass(slots=True)
class Checked:
    """The definitions of a request, those that passed and those that did not."""

    ready: list[Ready] = field(default_factory=list)
    refusals: list[tuple[int, RawDefinition, Problem]] = field(default_factory=list)
    """With the index of each among all definitions, from 0."""
    count: int = 0
    naming: dict[int, tuple[int, RawDefinition, tuple[str, ...]]] = field(default_factory=dict)
    """Of those that passed and name targets, by place: the index, and the targets."""
    _digest: Any = field(default_factory=hashlib.sha256)

    def take(self, piece: RawDefinition, root: str, accepted_at: datetime, actor: str) -> None:
        """Check one more; ``root`` names the request."""
        index = self.count
        self.count += 1
        self._digest.update(b"%d:%s" % (len(piece.text), piece.text))
        try:
            ready, targets = _ready(piece, creates.part_id(root, index), accepted_at, actor)
            self.ready.append(ready)
            if targets:
                self.naming[ready.place] = (index, piece, targets)
        except Refused as refusal:
            if piece.unit != "line" and refusal.problem.code is Code.MALFORMED_JSON:
                # An array with one element that is no JSON is no JSON itself.
                detail = f"{piece.name}: {refusal.problem.detail}"
                raise refused(Code.MALFORMED_JSON, detail) from None
            self.refusals.append((index, piece, _in_line(piece, refusal.problem)))

    def refuse_without(self, existing: Collection[str]) -> None:
        """Refuse what names another target than those."""
        gone: set[int] = set()
        for place, (index, piece, targets) in self.naming.items():
            missing = missing_of(targets, existing)
            if missing:
                gone.add(place)
                self.refusals.append((index, piece, unknown_targets(missing)))
        self.ready = [one for one in self.ready if one.place not in gone]
        self.refusals.sort(key=lambda refusal: refusal[0])

    def claim(self, accepted_at: datetime) -> CreateClaim:
        """What all requests under one idempotency key must share: these definitions."""
        return CreateClaim(accepted_at=accepted_at, body_hash=self._digest.hexdigest())


def _ready(
    piece: RawDefinition, command_id: str, accepted_at: datetime, actor: str
) -> tuple[Ready, tuple[str, ...]]:
    if len(piece.text) > MAX_BODY_BYTES:
        raise refused(Code.BODY_TOO_LARGE, f"larger than {MAX_BODY_BYTES} bytes")
    command = creates.checked(
        strict_json.parse(piece.text), command_id=command_id, accepted_at=accepted_at, actor=actor
    )
    ready = Ready(piece.place, command.trigger_id or "", encoded(command))
    return ready, tuple(command.definition.get("targets", ()))


def _in_line(piece: RawDefinition, found: Problem) -> Problem:
    """A line is one: only the column says where its JSON is wrong."""
    if piece.unit != "line" or found.code is not Code.MALFORMED_JSON:
        return found
    detail = found.detail.replace(" at line 1 column ", " at column ")
    return found.model_copy(update={"detail": detail})


def schema_in(piece: RawDefinition) -> Any:
    """The payload schema of a definition; None where there is none to be found."""
    if b"payload_schema" not in piece.text and b"\\u" not in piece.text:
        return None
    if len(piece.text) > MAX_BODY_BYTES:
        return None
    try:
        fields = strict_json.parse(piece.text)
    except Refused:
        return None
    return fields.get("payload_schema") if isinstance(fields, dict) else None


def cost(piece: RawDefinition) -> int:
    """About how long a definition takes to check, in bytes' worth of reading.

    A schema may take 40 ms: others have a turn after each.
    """
    schema = 20_000 if b"payload_schema" in piece.text else 0
    return 250 + len(piece.text) + schema


def nothing_created(checked: Checked) -> Problem:
    """The refusal of a request as a whole, for those of its definitions that are refused."""
    errors = [
        error.model_copy(
            update={
                "pointer": shortened(f"/{index}{error.pointer}"),
                "message": shortened(f"{piece.name}: {error.message}"),
            }
        )
        for index, piece, found in checked.refusals[:MAX_REPORTED_ERRORS]
        for error in _errors(found)
    ]
    detail = (
        f"{len(checked.refusals)} of {checked.count} definitions are refused, "
        "and so nothing is created"
    )
    if len(errors) > MAX_REPORTED_ERRORS or len(checked.refusals) > MAX_REPORTED_ERRORS:
        detail += f"; the first {MAX_REPORTED_ERRORS} errors are named"
    return problem(Code.INVALID, detail, errors[:MAX_REPORTED_ERRORS])


def created(checked: Checked, results: Sequence[CommandDone | Problem | None]) -> BulkCreated:
    """The answer, of what was refused in advance and the ``results`` of what was ready."""
    shown = {"created": 0, "refused": 0, "accepted": 0}
    room = MAX_LISTED_ERRORS
    lines: dict[int, Line] = {}
    refusals = [(piece.place, found) for _, piece, found in checked.refusals]
    for ready, result in zip(checked.ready, results, strict=True):
        match result:
            case None:
                line = Line(line=ready.place, status="accepted", id=ready.trigger_id)
            case Problem():
                refusals.append((ready.place, result))
                continue
            case CommandDone():
                line = Line(
                    line=ready.place, status="created", id=result.trigger_id, version=result.version
                )
        lines[ready.place] = line
    for place, found in sorted(refusals, key=lambda refusal: refusal[0]):
        errors = found.errors[:room]
        room -= len(errors)
        why = LineProblem(code=found.code, detail=shortened(found.detail), errors=errors)
        lines[place] = Line(line=place, status="refused", problem=why)
    for line in lines.values():
        shown[line.status] += 1
    return BulkCreated(**shown, lines=tuple(lines[place] for place in sorted(lines)))


def _errors(found: Problem) -> Sequence[FieldError]:
    return found.errors or (FieldError(pointer="", message=found.detail),)
