"""Dead letters: what could not be handled, kept with the reason and the original.

Pure. An original too large to be kept whole is cut, and the reason says so.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from .events import DeadLetter
from .subjects import Service
from .topology import MAX_BODY_BYTES

KEPT_BYTES = 2 * MAX_BODY_BYTES
"""Of an original: as base64 it still fits the broker's 1 MiB."""
KEPT_TEXT_BYTES = MAX_BODY_BYTES // 2
"""Up to here an original is kept as text: JSON may escape a byte to six."""
_KEPT_HEADERS = 20
_KEPT_HEADER_CHARACTERS = 500


class Delivered(Protocol):
    """A message as the broker stored it."""

    @property
    def subject(self) -> str: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def stream_seq(self) -> int: ...
    @property
    def stored_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Original:
    """A message as the broker delivered it."""

    stream: str
    subject: str
    stream_seq: int
    stored_at: datetime
    headers: Mapping[str, str]
    body: bytes


def dead_letter(original: Original, reason: str, dead_at: datetime) -> DeadLetter:
    kept = original.body[:KEPT_BYTES]
    if len(kept) < len(original.body):
        reason = f"{reason} (kept: the first {KEPT_BYTES} of {len(original.body)} bytes)"
    text = _as_text(kept) if len(kept) <= KEPT_TEXT_BYTES else None
    return DeadLetter(
        reason=reason,
        subject=original.subject,
        stream=original.stream,
        stream_seq=original.stream_seq,
        stored_at=original.stored_at,
        dead_at=dead_at,
        headers={
            _as_utf8(name): _as_utf8(value)
            for name, value in list(original.headers.items())[:_KEPT_HEADERS]
        },
        body=base64.b64encode(kept).decode() if text is None else text,
        encoding="base64" if text is None else "utf-8",
    )


def message_id(service: Service, original: Original) -> str:
    """The same for every delivery; the timestamp, since a stream made anew counts from 1 again."""
    stored_ms = int(original.stored_at.timestamp() * 1000)
    return f"dead-{service}-{original.stream}-{original.stream_seq}-{stored_ms}"


def _as_text(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _as_utf8(text: str) -> str:
    """A header's text without what UTF-8 cannot hold (nats-py keeps odd bytes as surrogates)."""
    return text[:_KEPT_HEADER_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
