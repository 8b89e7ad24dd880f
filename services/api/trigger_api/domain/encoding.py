"""Commands as they are published."""

from trigger_contracts.commands import AnyCommand
from trigger_contracts.errors import Code, Problem, Refused, refused
from trigger_contracts.topology import MAX_COMMAND_BYTES


def encoded(command: AnyCommand) -> bytes:
    """Only what was given: whether a payload was is part of a fire's meaning.

    Raises ``Refused`` for one that nobody would accept.
    """
    body = command.model_dump_json(exclude_unset=True).encode()
    if len(body) > MAX_COMMAND_BYTES:
        raise refused(Code.BODY_TOO_LARGE, f"larger than {MAX_COMMAND_BYTES} bytes as a command")
    return body


def too_large(command: AnyCommand) -> Problem | None:
    """Why nobody would accept ``command`` for its size, or None."""
    try:
        encoded(command)
    except Refused as refusal:
        return refusal.problem
    return None
