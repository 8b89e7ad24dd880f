"""One command on its way through a round: what is known of it, what is decided, what is answered.

Nothing here asks anybody: ``commands`` tells a case what it finds, step by step, and ``appending``
what became of its change.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from trigger_contracts.commands import CommandDone, CreateTrigger, UpdateTrigger
from trigger_contracts.errors import Problem, Refused
from trigger_contracts.events import TriggerChanged
from trigger_contracts.targets.in_tests import under_target
from trigger_contracts.targets.target import Rules
from trigger_contracts.trigger import (
    Changed,
    Decision,
    Moment,
    Rejected,
    StateCommand,
    Trigger,
    decide,
)
from trigger_scheduler.domain.planning import DueRow, Step, advanced, plan
from trigger_scheduler.domain.results import done, unchanged
from trigger_scheduler.ports import LockedTrigger


@dataclass(frozen=True, slots=True)
class Request:
    """A command with what the broker knows of it."""

    command: StateCommand
    command_id: str
    trigger_id: str
    accepted_at: datetime
    stream_seq: int
    deferrable: bool = False
    """Whether it may come again later, if a command before it seems to be missing."""


@dataclass(slots=True)
class CommandCase:
    """One request on its way through a round."""

    request: Request
    trigger: Trigger | None
    row: DueRow | None
    decision: Decision | None = None
    before: Trigger | None = None
    stored: Trigger | None = None
    settled: bool = False
    outdated: bool = False
    races: int = 0
    deferred: bool = False
    log_seq: int | None = None
    """The subject's last sequence, where what stands there cannot be read."""
    newer: tuple[Trigger, ...] = ()
    unknown_targets: frozenset[str] = frozenset()
    """Targets that its definition names and that there are not."""

    @property
    def newest(self) -> Trigger | None:
        """The newest change that the index does not have yet."""
        return self.stored or (self.newer[-1] if self.newer else None)

    def step(self, now: datetime, grace: timedelta) -> Step | None:
        """What is due for the trigger as the command finds it."""
        if self.row is None or self.outdated or self.row.next_fire_at is None:
            return None
        if self.row.next_fire_at > now:
            return None
        try:
            return plan(self.row, now, grace)
        except Exception:  # noqa: BLE001 - whatever it is, the edit may be what mends it
            return None

    def advance(self, step: Step, seq: int, now: datetime) -> None:
        if self.row is not None:
            self.row = advanced(self.row, step, seq, now)
            self.settled = True

    @property
    def expected_seq(self) -> int:
        if self.log_seq is not None:
            return self.log_seq
        return 0 if self.trigger is None else self.trigger.change_seq


def case_of(request: Request, held: LockedTrigger | None) -> CommandCase:
    trigger = None if held is None else held.trigger
    return CommandCase(request, trigger, None if held is None else held.row, before=trigger)


def brings_schema(command: StateCommand) -> bool:
    """Whether deciding on it compiles a payload schema, which may take some 40 ms."""
    match command:
        case CreateTrigger():
            return "payload_schema" in command.definition
        case UpdateTrigger():
            return "payload_schema" in (command.patch or command.definition or {})
        case _:
            return False


def decide_case(case: CommandCase, now: datetime) -> None:
    cursor, fires = (None, 0) if case.row is None else (case.row.cursor, case.row.fires)
    case.before = case.trigger
    case.decision = decide(
        case.request.command,
        case.trigger,
        Moment(case.request.accepted_at, now, cursor, fires),
        trigger_id=case.request.trigger_id,
        command_id=case.request.command_id,
    )


def refuse_target(case: CommandCase, rules: Rules) -> None:
    """Refuse a test whose target, written out in its command, the settings do not allow."""
    if isinstance(case.decision, Changed) and case.decision.change.test_target is not None:
        try:
            rules(case.decision.change.test_target.definition)
        except Refused as refusal:
            case.decision = Rejected(under_target(refusal).problem)


def change_of(case: CommandCase) -> TriggerChanged:
    if not isinstance(case.decision, Changed):
        raise TypeError("only a change can be appended")
    return case.decision.change


def answer_of(case: CommandCase, now: datetime) -> CommandDone | Problem | None:
    if case.deferred:
        return None
    if isinstance(case.decision, Rejected):
        return case.decision.problem
    if isinstance(case.decision, Changed):
        return done(case.request.command_id, case.decision.change, case.before)
    if case.trigger is None:
        raise TypeError("only an existing trigger can be left unchanged")
    fires = None if case.row is None else case.row.fires
    return unchanged(case.request.command_id, case.trigger, now, fires)
