"""What a redelivery or a cancellation means for its delivery, as far as the records have it.

Pure. A command names the round that whoever asked has seen. Only a final record ends a round, and
only the plan of the next number begins one: so whatever is decided on the same news is the same
record, whoever decides it and however often, and what is decided on older news is none.

That a delivery which waits is due now is no record: nothing has happened to it yet. It is in the
index alone, and an index that is made anew has the delivery when its schedule says.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from trigger_contracts import commands, strict_json
from trigger_contracts.commands import CancelDelivery, DeliveryCommand, Redeliver
from trigger_contracts.deliveries.outcomes import DeliveryChange, Reason
from trigger_contracts.deliveries.records import (
    DeliveryEnded,
    DeliveryPlanned,
    delivery_id_of,
)
from trigger_contracts.errors import Code, Problem, Refused, refused
from trigger_contracts.ids import instant_of
from trigger_contracts.subjects import Verb
from trigger_contracts.topology import MAX_COMMAND_BYTES

from .due import PendingDelivery, ended_record
from .retrying import last_start


@dataclass(frozen=True, slots=True)
class RequestedChange:
    """A command about a delivery, with what the platform supplies where its sender did not."""

    command: DeliveryCommand
    command_id: str
    delivery_id: str


@dataclass(frozen=True, slots=True)
class UnreadableChange:
    """A message that is no such command."""

    command_id: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class FiredEvent:
    """An event of the log, as far as a plan depends on it: where it stands, and since when."""

    event_id: str
    seq: int
    logged_at: datetime
    is_test: bool


@dataclass(frozen=True, slots=True)
class DeliveryDecision:
    """What a command comes to; ``round`` is the one that this is about."""

    change: DeliveryChange
    round: int
    record: DeliveryPlanned | DeliveryEnded | None = None
    expires_at: datetime | None = None
    """The end of the event's life, where there is a record."""


def parse_change(
    subject: str, body: bytes, *, message_id: str | None, stream_seq: int, stored_at: datetime
) -> RequestedChange | UnreadableChange:
    """The command in a message that the broker stored at ``stored_at``."""
    try:
        if len(body) > MAX_COMMAND_BYTES:
            raise refused(Code.BODY_TOO_LARGE, f"larger than {MAX_COMMAND_BYTES} bytes")
        verb = Verb(subject.rpartition(".")[2])
        command = commands.parse_command(verb, strict_json.parse(body))
        if not isinstance(command, DeliveryCommand):
            raise refused(Code.INVALID, "not about a delivery")
        own_id = commands.command_id(command, message_id, stream_seq, stored_at)
        return RequestedChange(command, own_id, _delivery_id(command))
    except Refused as refusal:
        own_id = commands.command_id(None, message_id, stream_seq, stored_at)
        return UnreadableChange(own_id, refusal.problem)


def decide_pending(
    asked: RequestedChange, pending: PendingDelivery, now: datetime
) -> DeliveryDecision:
    """What the command means for a delivery that waits."""
    command = asked.command
    if command.round != pending.round:
        return DeliveryDecision(DeliveryChange.UNCHANGED, pending.round)
    if isinstance(command, Redeliver):
        return DeliveryDecision(DeliveryChange.DUE_NOW, pending.round)
    record = ended_record(pending, Reason.CANCELLED, now)
    return DeliveryDecision(DeliveryChange.CANCELLED, pending.round, record, pending.expires_at)


def decide_ended(asked: CancelDelivery) -> DeliveryDecision:
    """What a cancellation means for a delivery that waits no more."""
    return DeliveryDecision(DeliveryChange.UNCHANGED, asked.round)


def decide_redelivery(
    asked: RequestedChange,
    event: FiredEvent | None,
    change_seq: int | None,
    now: datetime,
    kept_for: timedelta,
) -> DeliveryDecision:
    """What a redelivery means for a delivery that has ended, or that never was: the next round.

    ``change_seq`` is given where the target is written out in a test's own change. Raises
    ``Refused`` where the event is gone, or cannot be delivered in what is left of its life.
    """
    command = asked.command
    if event is None:
        detail = f"there is no fired event {command.event_id} of this trigger"
        raise refused(Code.NOT_FOUND, detail, pointer="/event_id")
    expires_at = event.logged_at + kept_for
    if now > last_start(expires_at, kept_for):
        detail = "the event is about to be erased: nothing of it is delivered any more"
        raise refused(Code.GONE, detail, pointer="/event_id")
    following = command.round + 1
    record = DeliveryPlanned(
        delivery_id=asked.delivery_id,
        event_id=command.event_id,
        trigger_id=command.trigger_id,
        target_id=command.target_id,
        round=following,
        event_seq=event.seq,
        logged_at=event.logged_at,
        planned_at=now,
        expires_at=expires_at,
        is_test=event.is_test,
        change_seq=change_seq,
    )
    return DeliveryDecision(DeliveryChange.PLANNED, following, record, expires_at)


def no_such_target(command: DeliveryCommand) -> Problem:
    detail = f"there is no target {command.target_id}"
    return refused(Code.UNKNOWN_TARGET, detail, pointer="/target_id").problem


def _delivery_id(command: DeliveryCommand) -> str:
    try:
        instant_of(UUID(command.event_id))
    except OverflowError:
        detail = "the time in it lies beyond the year 9999"
        raise refused(Code.INVALID, detail, pointer="/event_id") from None
    return delivery_id_of(command.event_id, command.target_id)
