"""One command about a target on its way through a round; as ``command_cases`` of triggers."""

from dataclasses import dataclass
from datetime import datetime

from trigger_contracts.commands import TargetCommand, TargetDone, UpdateTarget
from trigger_contracts.errors import Problem
from trigger_contracts.targets.changes import TargetChanged, TargetStatus, representation
from trigger_contracts.targets.target import (
    ChangedTarget,
    Decision,
    Rules,
    Target,
    decide,
)
from trigger_contracts.trigger import Rejected


@dataclass(frozen=True, slots=True)
class TargetRequest:
    """A command about a target, with what the broker knows of it."""

    command: TargetCommand
    command_id: str
    target_id: str
    stream_seq: int
    deferrable: bool = False
    """Whether it may come again later, if a command before it seems to be missing."""


@dataclass(slots=True)
class TargetCase:
    """One request on its way through a round."""

    request: TargetRequest
    target: Target | None
    decision: Decision | None = None
    stored: Target | None = None
    deferred: bool = False
    log_seq: int | None = None
    """The subject's last sequence, where what stands there cannot be read."""
    newer: tuple[Target, ...] = ()
    """What the log has and the index had not."""

    @property
    def expected_seq(self) -> int:
        if self.log_seq is not None:
            return self.log_seq
        return 0 if self.target is None else self.target.change_seq

    @property
    def change(self) -> TargetChanged:
        if not isinstance(self.decision, ChangedTarget):
            raise TypeError("only a change can be appended")
        return self.decision.change

    def decide(self, now: datetime, rules: Rules) -> None:
        self.decision = decide(
            self.request.command,
            self.target,
            now,
            target_id=self.request.target_id,
            command_id=self.request.command_id,
            rules=rules,
        )

    def answer(self) -> TargetDone | Problem | None:
        """None for what must come again."""
        if self.deferred:
            return None
        if isinstance(self.decision, Rejected):
            return self.decision.problem
        if isinstance(self.decision, ChangedTarget):
            return done(self.request.command_id, self.decision.change)
        if self.target is None:
            raise TypeError("only an existing target can be left unchanged")
        return done(self.request.command_id, self.target.change)


def done(command_id: str, change: TargetChanged) -> TargetDone:
    """What an accepted command's sender is told; a pure function of its change."""
    is_there = change.status is not TargetStatus.DELETED
    return TargetDone(
        command_id=command_id,
        target_id=change.target_id,
        version=change.version,
        target=representation(change) if is_there else None,
    )


def alerts_of(command: TargetCommand) -> str | None:
    """The target that a command names as the one to be told, if it can be one."""
    fields = {}
    match command:
        case UpdateTarget():
            fields = command.patch or command.definition or {}
        case _:
            fields = getattr(command, "definition", {})
    named = fields.get("alert_target")
    return named if isinstance(named, str) else None
