"""Send a command and wait a moment for what becomes of it."""

from trigger_api.handlers.outcomes import Applied, Stored
from trigger_api.ports.commands import Done
from trigger_contracts.commands import AnyCommand
from trigger_contracts.errors import Problem, Refused
from trigger_contracts.subjects import Verb

from .command_ports import CommandPorts


async def ask(
    ports: CommandPorts, verb: Verb, command: AnyCommand, own_id: str, done: type[Done]
) -> Applied[Done] | Stored:
    """``own_id`` is of what the command is about, ``done`` what its result is read as.

    Raises ``Refused``, ``BrokerUnavailable``.
    """
    # Each attempt has a message id of its own: the broker would swallow a keyed create's
    # repetition as a duplicate, and nobody would answer it.
    result = await ports.commands.ask(verb, command, ports.new_id(), done)
    if result is None:
        return Stored(own_id)
    if isinstance(result, Problem):
        raise Refused(result)
    return Applied(result)
