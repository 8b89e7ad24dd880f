"""What became of a command: a closed union, matched by ``entrypoints``."""

from dataclasses import dataclass

from trigger_contracts.commands import CommandDone


@dataclass(frozen=True, slots=True)
class Applied:
    """The command took effect."""

    done: CommandDone


@dataclass(frozen=True, slots=True)
class Stored:
    """The command is stored and will be applied; its result did not come in time."""

    trigger_id: str


Outcome = Applied | Stored
