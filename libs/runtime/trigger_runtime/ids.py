"""The only place that makes random ids.

Ids that must be the same after a crash (events, message ids) are not made here: they are
hashes of what they identify, see ``trigger_contracts``.
"""

from uuid import uuid4


def new_id() -> str:
    """A random id of 32 hexadecimal digits; valid wherever the contracts want an id."""
    return uuid4().hex
