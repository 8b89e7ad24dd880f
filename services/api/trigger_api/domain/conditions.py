"""Entity tags: a trigger's version as HTTP names it, and the condition that a write may carry.

A tag names the version of the definition. It does not change with ``next_fire_at``, so it is
for ``If-Match`` only: a ``304`` by it would hide that the next occurrence moved on.
"""

import re

from trigger_contracts.errors import Code, refused

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_POINTER = "/header/If-Match"


def etag(version: int) -> str:
    return f'"{version}"'


def expected_version(if_match: str | None) -> int | None:
    """The version that ``If-Match`` demands; None where it demands none.

    A weak tag counts as the strong one: proxies that compress weaken tags on their way. A tag
    that is none of ours names no version, so the condition fails. Raises ``Refused``.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    match = _TAG.fullmatch(if_match.strip())
    if match is None:
        detail = 'must be one entity tag such as "3", or *'
        raise refused(Code.INVALID, detail, pointer=_POINTER)
    if not _VERSION.fullmatch(match[1]):
        raise refused(Code.VERSION_MISMATCH, f"no version has the tag {match[0]}")
    return int(match[1])
