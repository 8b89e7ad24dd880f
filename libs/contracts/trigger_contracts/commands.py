"""The commands: imperative requests published to ``trigger.command.<verb>``.

The body of each is what a NATS client writes; the gateway publishes the same. Fields
that the platform can supply (``command_id``, ``accepted_at``, ``actor``) are optional.
Messages carry their schema version; an unknown one is refused, never guessed at.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from .definition import MAX_TARGETS
from .deliveries.outcomes import DeliveryChange
from .errors import Code, FieldError, Refused, from_validation, problem, refused
from .ids import ALERTS_TRIGGER_ID, KEY_BLANKS, EventId, Id, is_valid_id, uuid7
from .instants import as_written
from .payloads import laid_over
from .preview import Occurrence
from .subjects import Verb

SCHEMA_VERSION = 1

MAX_ROUND = 1_000_000
"""Of a delivery: far beyond what anyone asks for in an event's life."""

GATEWAY_ACTOR = "key:"
"""The gateway names the API key that asked; whoever publishes directly does not have one."""

MAX_SEALED = 23
"""Secrets that one target can have: 20 headers, and three to sign with."""

CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far a publisher's clock may be from the broker's before its instants are not believed."""


def _instant(value: Any) -> Any:
    """Numbers are refused: whether they count seconds or milliseconds would be a guess."""
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("wrong_type", "must be a date and time with an offset")
    written = as_written(value.strip())
    if written.tzinfo is None:
        raise PydanticCustomError("no_offset", "must be a date and time with an offset")
    return written


def _without_blanks(value: Any) -> Any:
    return value.strip(KEY_BLANKS) if isinstance(value, str) else value


Instant = Annotated[AwareDatetime, Field(strict=False)]
"""JSON has no instants: a text is read as one, whatever else a command is strict about."""


class Command(BaseModel):
    """What every command may carry. ``"3"`` is no number here, and ``"yes"`` no boolean."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    schema_version: int = SCHEMA_VERSION
    command_id: Id | None = Field(
        default=None, description="Repeating a command under its id gives the same answer for 48 h."
    )
    accepted_at: Annotated[Instant | None, BeforeValidator(_instant)] = Field(
        default=None, description="When the gateway accepted it; the broker's timestamp otherwise."
    )
    actor: str = Field(default="nats", max_length=100, description="Who asked: for the history.")


def _not_reserved(trigger_id: str | None) -> str | None:
    if trigger_id == ALERTS_TRIGGER_ID:
        raise PydanticCustomError("reserved", "is the platform's own: choose another id")
    return trigger_id


class CreateTrigger(Command):
    """Create a trigger: the definition's fields stand beside these."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, hide_input_in_errors=True)

    trigger_id: Annotated[Id | None, AfterValidator(_not_reserved)] = None

    @property
    def definition(self) -> dict[str, Any]:
        return self.model_extra or {}


def _target(value: Any) -> Any:
    """Checked as a whole: a union's own errors name its members, not the field."""
    if not (
        value is None or isinstance(value, dict) or (isinstance(value, str) and is_valid_id(value))
    ):
        raise PydanticCustomError("wrong_type", "must be the id of a target, or one written out")
    return value


class TestTrigger(CreateTrigger):
    """Fire a definition once, without saving it; the fields are those of a create."""

    __test__ = False  # pytest: not a test class, whatever its name

    target: Annotated[str | dict[str, Any] | None, BeforeValidator(_target)] = Field(
        default=None,
        description="Where the event is delivered to, in the place of the definition's targets: a "
        "target's id, or one written out as in its create, which is kept with the test alone.",
    )


class UpdateTrigger(Command):
    """Change a trigger: ``patch`` is merged over its definition, ``definition`` replaces it."""

    trigger_id: Id
    expected_version: int | None = Field(default=None, ge=1)
    patch: dict[str, Any] | None = None
    definition: dict[str, Any] | None = None


class DeleteTrigger(Command):
    """Delete a trigger: it never fires again; what was due before still does."""

    trigger_id: Id
    expected_version: int | None = Field(default=None, ge=1)


class FireTrigger(Command):
    """Fire a trigger now, with a payload laid over its own (``payloads.laid_over``).

    With ``replay_of`` the fire repeats an event of the log: the new event names that one, has
    the source `replay`, and carries the payload given as it is, without the trigger's own
    under it (the trigger's own alone where none is given).

    ``refused`` is set by the gateway for a request that it has already refused: nothing
    fires, the log gets the reasons and no payload. The broker does not say who published, so
    a NATS client can write it as well, as it can name any ``actor`` and any event that it
    repeats: all three are its word.
    """

    command_id: Id | None = Field(
        default=None,
        description="Names the fire in its answer and in the log. A fire is repeated safely "
        "under its `key`, not under this id.",
    )
    trigger_id: Id
    payload: Any = None
    key: Annotated[str | None, BeforeValidator(_without_blanks)] = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="As an Idempotency-Key: printable ASCII characters, and no blanks around it.",
    )
    is_test: bool = False
    replay_of: EventId | None = Field(
        default=None,
        description="The event that this fire repeats, by its id. Nobody looks whether there is "
        "(still) such an event, or what it carried.",
    )
    # JSON has no tuples: a list is read as one.
    targets: Annotated[tuple[Id, ...], Field(strict=False)] | None = Field(
        default=None,
        max_length=MAX_TARGETS,
        description="Of a test: where its event is delivered to, in the place of the trigger's own "
        "targets; nowhere where there are none.",
    )
    refused: Annotated[tuple[FieldError, ...], Field(strict=False)] | None = Field(
        default=None, min_length=1, max_length=50
    )

    @property
    def has_payload(self) -> bool:
        """Whether a payload was given at all: an explicit null is one."""
        return "payload" in self.model_fields_set

    def payload_over(self, predefined: Any) -> Any:
        """What fires, where the trigger's own payload is ``predefined``.

        A replay's was merged when it first fired: merged again, a null that stayed could take
        out what the trigger has for its own since.
        """
        if not self.has_payload:
            return predefined
        return laid_over(predefined, self.payload) if self.replay_of is None else self.payload


class CreateTarget(Command):
    """Create a target: its fields stand beside these, secret values of them sealed."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, hide_input_in_errors=True)

    target_id: Id | None = None
    secret: str | None = Field(
        default=None, description="Of a webhook: what its requests are signed with, sealed."
    )

    @property
    def definition(self) -> dict[str, Any]:
        return self.model_extra or {}


class UpdateTarget(Command):
    """Change a target: ``patch`` is merged over its definition, ``definition`` replaces it.

    A secret header that is given as ``***`` keeps its value. ``resealed`` changes nothing but the
    key to which its secrets are sealed.
    """

    target_id: Id
    expected_version: int | None = Field(default=None, ge=1)
    patch: dict[str, Any] | None = None
    definition: dict[str, Any] | None = None
    resealed: dict[str, str] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_SEALED,
        description="Sealed values that the target has, each with what takes its place: the same "
        "secret, sealed to another key. What it does not have is passed over.",
    )


class RotateTarget(Command):
    """Sign with another secret from now on, and with the present one besides for a while."""

    target_id: Id
    expected_version: int | None = Field(default=None, ge=1)
    secret: str = Field(description="The new one, sealed.")
    overlap: str | int | float | None = Field(
        default=None,
        description="For how long the present one signs as well: seconds or an ISO 8601 duration, "
        "0 to 7 days; 24 h by default.",
    )


class DeleteTarget(Command):
    """Delete a target that no trigger names any more: what waits for it is given up."""

    target_id: Id
    expected_version: int | None = Field(default=None, ge=1)


class _OfDelivery(Command):
    """Which delivery it is about, and where that stood for whoever asks.

    ``round`` is the newest one that was seen: what was decided on older news does nothing, and so
    does a repetition, under whatever id.
    """

    event_id: EventId
    trigger_id: Id = Field(description="Of the event.")
    target_id: Id


class Redeliver(_OfDelivery):
    """Deliver an event to a target now: again, to another one, or sooner than it was to be."""

    round: int = Field(
        ge=0,
        le=MAX_ROUND,
        description="The newest round of this delivery that was seen; 0 where there was none, and "
        "the target is another one. Where that round goes on its next attempt is due now; where it "
        "has ended the next round begins. Any other one changes nothing.",
    )


class CancelDelivery(_OfDelivery):
    """Give a delivery up that is still waiting: it ends dead, `cancelled`."""

    round: int = Field(
        ge=1,
        le=MAX_ROUND,
        description="The round that was seen to be waiting: any other one is left alone.",
    )


TriggerCommand = CreateTrigger | TestTrigger | UpdateTrigger | DeleteTrigger | FireTrigger
TargetCommand = CreateTarget | UpdateTarget | RotateTarget | DeleteTarget
DeliveryCommand = Redeliver | CancelDelivery
AnyCommand = TriggerCommand | TargetCommand | DeliveryCommand

COMMANDS: dict[Verb, type[Command]] = {
    Verb.CREATE: CreateTrigger,
    Verb.UPDATE: UpdateTrigger,
    Verb.DELETE: DeleteTrigger,
    Verb.TEST: TestTrigger,
    Verb.FIRE: FireTrigger,
    Verb.CREATE_TARGET: CreateTarget,
    Verb.UPDATE_TARGET: UpdateTarget,
    Verb.DELETE_TARGET: DeleteTarget,
    Verb.ROTATE_TARGET: RotateTarget,
    Verb.REDELIVER: Redeliver,
    Verb.CANCEL: CancelDelivery,
}


def parse_command(verb: Verb, fields: Any) -> AnyCommand:
    """The command in ``fields`` (parsed JSON); raises ``Refused`` with the pointers."""
    if not isinstance(fields, dict):
        raise refused(Code.INVALID, "a command must be a JSON object", pointer="")
    version = fields.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION or isinstance(version, bool | float):
        detail = f"schema_version must be {SCHEMA_VERSION}"
        raise refused(Code.UNKNOWN_SCHEMA_VERSION, detail, pointer="/schema_version")
    try:
        command = COMMANDS[verb].model_validate(fields)
    except ValidationError as error:
        raise Refused(from_validation(error)) from None
    if isinstance(command, UpdateTrigger | UpdateTarget) and not _is_one_change(command):
        detail = "exactly one of patch and definition must be given"
        raise Refused(problem(Code.INVALID, detail, [FieldError(pointer="/patch", message=detail)]))
    return command  # type: ignore[return-value]  # COMMANDS holds exactly the members of AnyCommand


def _is_one_change(command: UpdateTrigger | UpdateTarget) -> bool:
    given = [command.patch, command.definition]
    if isinstance(command, UpdateTarget):
        given.append(command.resealed)
    return sum(one is not None for one in given) == 1


def accepted_at(command: Command, stored_at: datetime) -> datetime:
    """When ``command``, stored by the broker at ``stored_at``, counts as accepted.

    A publisher's own instant is believed while it is plausible, so that ids promised by
    the gateway hold; beyond ``CLOCK_TOLERANCE`` the broker's timestamp counts.
    """
    claimed = command.accepted_at
    if claimed is not None and abs(stored_at - claimed) <= CLOCK_TOLERANCE:
        return claimed.astimezone(UTC)
    return stored_at


def command_id(
    command: Command | None, message_id: str | None, stream_seq: int, stored_at: datetime
) -> str:
    """The id under which a command is answered once.

    The publisher's own, else the message id, else one made of the message's place in the
    stream (with its timestamp: a stream made anew counts from 1 again).
    """
    if command is not None and command.command_id is not None:
        return command.command_id
    if message_id is not None and is_valid_id(message_id):
        return message_id
    return f"nats-{stream_seq}-{int(stored_at.timestamp() * 1000)}"


def check_targets(command: FireTrigger) -> None:
    """Raises ``Refused`` for targets that a fire may not name."""
    if command.targets is None:
        return
    if not command.is_test:
        detail = "only a test names targets: others are delivered to the trigger's own"
        raise refused(Code.INVALID, detail, pointer="/targets")
    for place, target_id in enumerate(command.targets):
        if target_id in command.targets[:place]:
            raise refused(Code.INVALID, "is named twice", pointer=f"/targets/{place}")


def trigger_id_of(command: CreateTrigger, command_id: str, accepted_at: datetime) -> str:
    """The id of the trigger that a create makes: the publisher's choice, or one of its own."""
    return command.trigger_id or new_trigger_id(command_id, accepted_at)


def new_trigger_id(command_id: str, accepted_at: datetime) -> str:
    """The id of the trigger that a create makes whose publisher chose none."""
    return str(uuid7(accepted_at, "trigger", command_id))


def target_id_of(command: CreateTarget, command_id: str, accepted_at: datetime) -> str:
    """The id of the target that a create makes: the publisher's choice, or one of its own."""
    return command.target_id or new_target_id(command_id, accepted_at)


def new_target_id(command_id: str, accepted_at: datetime) -> str:
    """The id of the target that a create makes whose publisher chose none."""
    return str(uuid7(accepted_at, "target", command_id))


def id_of_test_target(command_id: str, accepted_at: datetime) -> str:
    """The id of the target that a test's command writes out; no other target has it."""
    return str(uuid7(accepted_at, "test target", command_id))


class TargetDone(BaseModel):
    """The result of an accepted command about a target; ``target`` as the REST resource shows it,
    None once it is deleted.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    schema_version: Literal[1] = 1
    command_id: str
    target_id: str
    version: int
    target: dict[str, Any] | None = None


class CommandDone(BaseModel):
    """The result of an accepted create, update, delete or test.

    ``trigger`` is the trigger as the REST resource shows it; ``next_fires`` are upcoming
    occurrences before and after an update, ``next_occurrences`` the same on the zone's clock;
    ``event_id`` and ``fires_at`` belong to a test.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    schema_version: Literal[1] = 1
    command_id: str
    trigger_id: str
    version: int
    trigger: dict[str, Any] | None = None
    next_fires_before: tuple[AwareDatetime, ...] | None = None
    next_fires_after: tuple[AwareDatetime, ...] | None = None
    next_occurrences_before: tuple[Occurrence, ...] | None = None
    next_occurrences_after: tuple[Occurrence, ...] | None = None
    event_id: str | None = None
    fires_at: AwareDatetime | None = None


class FireDone(BaseModel):
    """The result of an accepted fire."""

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    command_id: str
    trigger_id: str
    event_id: str


class DeliveryDone(BaseModel):
    """The result of an accepted redelivery or cancellation.

    ``change`` says what it came to, ``round`` which round of the delivery that is about.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    command_id: str
    delivery_id: str
    event_id: str
    target_id: str
    round: int
    change: DeliveryChange
