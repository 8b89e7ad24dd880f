"""What replicas of the executor tell each other over core NATS: a hint to look, and no fact.

A lost one costs a poll. An empty body says that records were appended; one with targets, that
something waits in their lanes now.
"""

import json
from collections.abc import Iterable

from trigger_contracts.ids import is_valid_id

APPENDED = b""
"""Records were appended: whoever projects them is to look."""
MAX_TARGETS = 1000
"""In one hint; of more, all lanes are looked at."""


def waiting_in(target_ids: Iterable[str]) -> bytes:
    """The hint that something waits in these lanes; of many, in any."""
    listed = sorted(target_ids)
    return json.dumps({"targets": listed if len(listed) <= MAX_TARGETS else None}).encode()


def lanes_of(body: bytes) -> frozenset[str] | None:
    """The targets that a hint with targets names; None where it may be any.

    Whatever cannot be read is a hint all the same.
    """
    try:
        listed = json.loads(body)["targets"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(listed, list):
        return None
    return frozenset(one for one in listed if isinstance(one, str) and is_valid_id(one))
