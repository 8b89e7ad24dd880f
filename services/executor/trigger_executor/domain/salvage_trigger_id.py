"""Which trigger a message names that cannot be read as a command.

Pure. A refusal belongs into the log of the trigger that it was about, also where the text around
its id is no JSON, or too large to be read. Only the message's own ``trigger_id`` counts, not one
in its payload, and only if it is the only one.
"""

import re

from trigger_contracts.strict_json import STRING_OR_BRACKET

MAX_TOKENS = 50_000
"""Strings and brackets looked at: some 15 ms. A sender who means it names its trigger before."""

_NAMED = re.compile(rb'"trigger_id"\s*:\s*"([A-Za-z0-9_-]{1,64})"')


def named_trigger(text: bytes) -> str | None:
    """The id of the trigger that ``text`` is about, if it says so."""
    named = {match.start(): match[1] for match in _NAMED.finditer(text)}
    if not named:
        return None
    found: set[bytes] = set()
    depth = 0
    for count, match in enumerate(STRING_OR_BRACKET.finditer(text)):
        token = match[0]
        if count == MAX_TOKENS or (count == 0 and token != b"{"):
            break
        if token in b"[{":
            depth += 1
        elif token in b"]}":
            depth -= 1
        elif depth == 1 and match.start() in named:
            found.add(named[match.start()])
    return found.pop().decode() if len(found) == 1 else None
