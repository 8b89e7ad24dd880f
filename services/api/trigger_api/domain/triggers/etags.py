"""Entity tags: a version as HTTP names it, of a trigger or target, and a write's conditions.

A trigger's tag names the version of the definition. It does not change with ``next_fire_at``, nor
with the encoding in which it travels, so it is for writes only: a ``304`` by it would hide that the
next occurrence moved on. Whatever else has a tag has one of its bytes (``tag_of``), for reads.
"""

import hashlib
import re
from dataclasses import dataclass

from trigger_contracts.errors import Code, Refused, refused, shortened, version_mismatch

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
"""RFC 9110, 8.8.3: a tag may hold commas and bytes above ASCII, and no blanks."""
_BETWEEN = re.compile(r"[ \t]*(?:,[ \t]*)*")
"""Tags of a list, which may have empty elements (5.6.1)."""
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class _Tag:
    text: str
    is_weak: bool
    version: int | None
    """None for a tag that is none of ours."""


def etag(version: int) -> str:
    return f'"{version}"'


def tag_of(body: bytes) -> str:
    """Of what does not change for long: whoever has it need not read it again."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def as_gzip(tag: str) -> str:
    """The tag of the same thing sent as gzip: other bytes (RFC 9110, 8.8.3.3).

    A version keeps its own, which is of no bytes.
    """
    return tag if _VERSION.fullmatch(tag[1:-1]) else f'{tag[:-1]}-gzip"'


def expected_version(if_match: str | None) -> int | None:
    """The version that ``If-Match`` demands; None where it demands none.

    Compared strongly, as RFC 9110 says (13.1.1): a weak tag matches nothing. Nor does one that is
    none of ours: either adds nothing to a list, and alone the condition fails. Commands carry one
    version, so a list may name no more. Raises ``Refused``.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tags = _read(if_match, "If-Match")
    versions = {tag.version for tag in tags if tag.version is not None and not tag.is_weak}
    if not versions:
        raise refused(Code.VERSION_MISMATCH, _why_none(tags))
    if len(versions) > 1:
        detail = "only one version is supported: send the tag of the one you have read"
        raise refused(Code.INVALID, detail, pointer="/header/If-Match")
    return versions.pop()


def check_none_match(if_none_match: str, version: int) -> None:
    """Raises ``Refused`` where ``If-None-Match`` excludes what has this version.

    Compared weakly (RFC 9110, 13.1.2): a weak tag excludes what the strong one does.
    """
    if if_none_match == "*":
        detail = "If-None-Match: * asks that there is none, and there is"
        raise version_mismatch(detail, version)
    if version in {tag.version for tag in _read(if_none_match, "If-None-Match")}:
        detail = f"it has version {version}, which If-None-Match excludes"
        raise version_mismatch(detail, version)


def excludes(if_none_match: str | None, tag: str) -> bool:
    """Whether ``If-None-Match`` names ``tag``: whoever asks has it; raises ``Refused``."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return tag in {each.text.removeprefix("W/") for each in _read(if_none_match, "If-None-Match")}


def _why_none(tags: list[_Tag]) -> str:
    ours = [tag.version for tag in tags if tag.version is not None]
    if not ours:
        return f"no version has the tag {shortened(tags[0].text)}"
    strong = etag(ours[0])
    return f"If-Match compares strongly, and W/{strong} is a weak tag: send {strong}"


def _read(condition: str, header: str) -> list[_Tag]:
    """The tags of a list; raises ``Refused`` where it is none, or has none."""
    tags = []
    at = _BETWEEN.match(condition).end()  # type: ignore[union-attr]  # it matches nothing, too
    while at < len(condition):
        found = _TAG.match(condition, at)
        gap = _BETWEEN.match(condition, found.end()) if found else None
        if found is None or gap is None or ("," not in gap[0] and gap.end() < len(condition)):
            raise _no_tags(header)
        tags.append(_tag(found))
        at = gap.end()
    if not tags:
        raise _no_tags(header)
    return tags


def _tag(found: re.Match[str]) -> _Tag:
    version = int(found[2]) if _VERSION.fullmatch(found[2]) else None
    return _Tag(found[0], is_weak=found[1] is not None, version=version)


def _no_tags(header: str) -> Refused:
    detail = 'must be an entity tag such as "3", a list of them, or *'
    return refused(Code.INVALID, detail, pointer=f"/header/{header}")
