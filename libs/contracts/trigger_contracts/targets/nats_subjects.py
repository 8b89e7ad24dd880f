"""Subjects that a NATS target may publish to: an operator's list, and never the platform's own.

The broker holds the executor to the same list: the admin step makes its permission of it. Pure.
"""

import re
from collections.abc import Sequence

from trigger_contracts.errors import Code, refused
from trigger_contracts.subjects import matches

SETTING = "ETP_TARGET_SUBJECTS"
DEFAULT = ("out.>",)
MAX_TOKENS = 16

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FILTER_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}|\*")
_RESERVED = re.compile(r"trigger|\$.*|_INBOX.*|_R_|_GR_", re.IGNORECASE)
POINTER = "/subject"


def check_subject(subject: str, allowed: Sequence[str]) -> None:
    """Refuse a subject that no target may have, or that the operator does not allow."""
    tokens = subject.split(".")
    if not all(map(_TOKEN.fullmatch, tokens)) or len(tokens) > MAX_TOKENS:
        raise refused(
            Code.INVALID,
            f"a subject has 1 to {MAX_TOKENS} parts of 1 to 64 letters, digits, - and _, with "
            "dots between, and no wildcard",
            pointer=POINTER,
        )
    if _RESERVED.fullmatch(tokens[0]) or not matches(subject, tuple(allowed)):
        raise refused(
            Code.SUBJECT_NOT_ALLOWED,
            f"allowed are {', '.join(allowed) or 'none'}: the operator says so by {SETTING}",
            pointer=POINTER,
        )


def check_allowed(filters: Sequence[str]) -> None:
    """Raises ValueError, with a sentence for the operator, for an entry that is no such list's."""
    for one in filters:
        *heads, last = one.split(".")
        is_sound = all(map(_FILTER_TOKEN.fullmatch, heads)) and (
            last == ">" or _FILTER_TOKEN.fullmatch(last)
        )
        first = (*heads, last)[0]
        if not is_sound or first in ("*", ">") or _RESERVED.fullmatch(first):
            raise ValueError(
                f"{one!r} is no subject that targets may have: its first part must be a name, and "
                "not the platform's (trigger) or the broker's own ($…, _INBOX…)"
            )
