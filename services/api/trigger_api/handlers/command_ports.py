"""What every use case that sends commands holds: where they go, and what is asked before."""

from dataclasses import dataclass

from trigger_api.handlers.schemas import SchemaTurns
from trigger_api.ports.commands import Commands, IdempotencyKeys
from trigger_api.ports.process import Clock, NewId
from trigger_api.ports.triggers import DefinitionCache


@dataclass(frozen=True, slots=True)
class CommandPorts:
    """Handed over whole."""

    commands: Commands
    claims: IdempotencyKeys
    definitions: DefinitionCache
    clock: Clock
    new_id: NewId
    schemas: SchemaTurns
