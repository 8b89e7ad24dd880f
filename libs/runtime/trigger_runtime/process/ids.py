"""The only place that makes random ids.

Ids that must be the same after a crash (events, message ids) are not made here: they are
hashes of what they identify, see ``trigger_contracts``.
"""

import secrets


def new_id() -> str:
    """A random id of 32 hexadecimal digits; valid wherever the contracts want an id."""
    return secrets.token_hex(16)
