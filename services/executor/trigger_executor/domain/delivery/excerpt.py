"""What is kept of an answer's body, for people to see why a receiver refused. Pure."""

import re
from dataclasses import dataclass

from .own_secrets import OwnSecrets

MAX_READ = 16 * 1024
"""Bytes of a body that are read at most, whatever is kept of them."""
DEFAULT_KEPT = 2 * 1024
"""Bytes of an excerpt, unless ``ETP_RESPONSE_EXCERPT`` says otherwise."""

_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
_TEXT_TYPE = re.compile(
    r"text/.+|.+/(?:.+\+)?(?:json|xml|yaml)|application/(?:javascript|x-www-form-urlencoded)"
)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([A-Za-z0-9_-]{1,40})", re.IGNORECASE)
_CHARSETS = re.compile(
    r"(?:utf-?(?:8|16|16le|16be)|us-ascii|ascii|iso-8859-\d{1,2}|latin-?1|windows-125\d)",
    re.IGNORECASE,
)
"""Others are read as UTF-8: not every name that Python knows is a charset."""
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Control characters but tab and line feed, and what turns a line around."""
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class ResponseBody:
    """As much of an answer's body as was read, and what its head says of it.

    ``content_type`` and ``encoding`` are the header's values; ``length`` is the declared one.
    """

    read: bytes
    content_type: str = ""
    encoding: str = ""
    length: int | None = None


def excerpt_of(body: ResponseBody, secrets: OwnSecrets, kept: int = DEFAULT_KEPT) -> str | None:
    """At most ``kept`` bytes of text, or what the body is; None where there is nothing.

    Secrets are masked before anything is cut off, so that no half of one is left.
    """
    if not body.read or not kept:
        return None
    media_type = body.content_type.partition(";")[0].strip().lower()
    if not _is_text(body, media_type):
        told = media_type if _MEDIA_TYPE.fullmatch(media_type) else "unknown type"
        size = len(body.read) if body.length is None else body.length
        text = secrets.mask(f"({told}, {size} bytes)")
    else:
        text = secrets.mask(_decoded(body)).replace("\r\n", "\n")
        text = _UNPRINTABLE.sub(_REPLACEMENT, text)
    return text.encode("utf-8", "replace")[:kept].decode("utf-8", "ignore")


def _is_text(body: ResponseBody, media_type: str) -> bool:
    if body.encoding.strip().lower() not in ("", "identity"):
        return False
    if media_type:
        return _TEXT_TYPE.fullmatch(media_type) is not None
    return b"\x00" not in body.read and _REPLACEMENT not in _decoded(body)[:-1]


def _decoded(body: ResponseBody) -> str:
    match = _CHARSET.search(body.content_type)
    charset = match[1] if match is not None and _CHARSETS.fullmatch(match[1]) else "utf-8"
    try:
        return body.read.decode(charset, "replace")
    except LookupError:
        return body.read.decode("utf-8", "replace")
