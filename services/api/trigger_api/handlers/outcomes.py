"""What became of a command: a closed union, matched by ``entrypoints``."""

from dataclasses import dataclass
from typing import Generic

from trigger_api.ports.commands import Done
from trigger_contracts.commands import CommandDone, TargetDone


@dataclass(frozen=True, slots=True)
class Applied(Generic[Done]):
    """The command took effect."""

    done: Done


@dataclass(frozen=True, slots=True)
class Stored:
    """The command is stored and will be applied; its result did not come in time."""

    id: str
    """Of what it is about."""


Outcome = Applied[CommandDone] | Stored
TargetOutcome = Applied[TargetDone] | Stored


@dataclass(frozen=True, slots=True)
class WithSecret:
    """An outcome, and the secret that is shown with it and never again; None for a repetition."""

    outcome: TargetOutcome
    secret: str | None
