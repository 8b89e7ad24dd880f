"""What every use case that sends commands holds: where they go, and what is asked before."""

from dataclasses import dataclass

from trigger_api.handlers.schemas import SchemaTurns
from trigger_api.ports import Clock, Commands, DefinitionCache, IdempotencyKeys, NewId


@dataclass(frozen=True, slots=True)
class CommandPorts:
    """Handed over whole."""

    commands: Commands
    claims: IdempotencyKeys
    definitions: DefinitionCache
    clock: Clock
    new_id: NewId
    schemas: SchemaTurns
