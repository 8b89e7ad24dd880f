"""What every use case that sends commands holds: where they go, and what is asked before."""

from trigger_api.handlers.schemas import SchemaTurns
from trigger_api.ports import Clock, Commands, DefinitionCache, IdempotencyKeys, NewId


class Door:
    """A way in for commands. It does nothing by itself; the use cases are its kinds."""

    def __init__(
        self,
        *,
        commands: Commands,
        claims: IdempotencyKeys,
        definitions: DefinitionCache,
        clock: Clock,
        new_id: NewId,
        schemas: SchemaTurns,
    ) -> None:
        self._commands = commands
        self._claims = claims
        self._definitions = definitions
        self._clock = clock
        self._new_id = new_id
        self._schemas = schemas
