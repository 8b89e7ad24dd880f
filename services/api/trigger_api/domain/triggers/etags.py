"""Entity tags: a trigger's version as HTTP names it, and the condition that a write may carry.

A tag names the version of the definition. It does not change with ``next_fire_at``, so it is
for writes only: a ``304`` by it would hide that the next occurrence moved on.
"""

import re

from trigger_contracts.errors import Code, refused

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


def etag(version: int) -> str:
    return f'"{version}"'


def expected_version(if_match: str | None) -> int | None:
    """The version that ``If-Match`` demands; None where it demands none.

    A weak tag counts as the strong one: proxies that compress weaken tags on their way. A tag
    that is none of ours names no version: it adds nothing to a list, and alone the condition
    fails. Commands carry one version, so a list may name no more. Raises ``Refused``.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tags, versions = _read(if_match, "If-Match")
    if not versions:
        raise refused(Code.VERSION_MISMATCH, f"no version has the tag {tags[0]}")
    if len(versions) > 1:
        detail = "only one version is supported: send the tag of the one you have read"
        raise refused(Code.INVALID, detail, pointer="/header/If-Match")
    return versions.pop()


def check_none_match(if_none_match: str, version: int) -> None:
    """Raises ``Refused`` where ``If-None-Match`` excludes a trigger that has this version."""
    if if_none_match == "*":
        detail = "If-None-Match: * asks that the trigger does not exist, and it does"
        raise refused(Code.VERSION_MISMATCH, detail)
    _, versions = _read(if_none_match, "If-None-Match")
    if version in versions:
        detail = f"the trigger has version {version}, which If-None-Match excludes"
        raise refused(Code.VERSION_MISMATCH, detail)


def _read(condition: str, header: str) -> tuple[list[str], set[int]]:
    """The tags of a list, and the versions that they name."""
    # Elements may be empty (RFC 9110, 5.6.1), and a tag may hold a comma: none of ours does.
    tags = [tag for part in condition.split(",") if (tag := part.strip())]
    matches = [_TAG.fullmatch(tag) for tag in tags]
    if not tags or None in matches:
        detail = 'must be an entity tag such as "3", or *'
        raise refused(Code.INVALID, detail, pointer=f"/header/{header}")
    return tags, {int(m[1]) for m in matches if m is not None and _VERSION.fullmatch(m[1])}
