"""Dead letters: what could not be handled, kept with the reason and the original.

Pure. A letter lives no longer than its original would have: erasing the log erases it, too. An
original too large to be kept whole is cut, and the reason says so.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from .events import DeadLetter
from .ids import uuid7
from .subjects import Service
from .topology import LOG_LIFE, MAX_BODY_BYTES

KEPT_BYTES = 2 * MAX_BODY_BYTES
"""Of an original: as base64 it still fits the broker's 1 MiB."""
KEPT_TEXT_BYTES = MAX_BODY_BYTES // 2
"""Up to here an original is kept as text: JSON may escape a byte to six."""
_KEPT_HEADERS = 20
_KEPT_HEADER_CHARACTERS = 500

_OF_A_DELIVERY = frozenset({"Nats-Pin-Id"})
"""Headers that the broker adds to a delivery: the message does not have them."""

TTL_HEADER = "Nats-TTL"
_TTL = re.compile(r"(\d{1,9})s?")


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


class DeadLetterSink(Protocol):
    """Where goes what a service cannot handle: a port of every worker."""

    async def dead_letter(self, stream: str, delivery: Delivered, reason: str) -> None:
        """Durable once it returns; the same message twice is kept once. Raises while it cannot."""
        ...


@dataclass(frozen=True, slots=True)
class Original:
    """A message as the broker delivered it."""

    stream: str
    subject: str
    stream_seq: int
    stored_at: datetime
    headers: Mapping[str, str]
    body: bytes


def dead_letter(
    original: Original, reason: str, dead_at: datetime, *, kept_for: timedelta = LOG_LIFE
) -> DeadLetter:
    kept = original.body[:KEPT_BYTES]
    if len(kept) < len(original.body):
        reason = f"{reason} (kept: the first {KEPT_BYTES} of {len(original.body)} bytes)"
    text = _as_text(kept) if len(kept) <= KEPT_TEXT_BYTES else None
    own = {name: v for name, v in original.headers.items() if name not in _OF_A_DELIVERY}
    headers = {_as_utf8(name): _as_utf8(value) for name, value in list(own.items())[:_KEPT_HEADERS]}
    return DeadLetter(
        reason=reason,
        subject=original.subject,
        stream=original.stream,
        stream_seq=original.stream_seq,
        stored_at=original.stored_at,
        dead_at=dead_at,
        deletes_at=life_end(original, kept_for),
        headers=headers,
        body=base64.b64encode(kept).decode() if text is None else text,
        encoding="base64" if text is None else "utf-8",
        is_whole=len(kept) == len(original.body) and headers == own,
    )


def original_of(letter: DeadLetter) -> Original:
    """The message that a letter was made of; only its beginning where that was cut."""
    body = letter.body.encode() if letter.encoding == "utf-8" else base64.b64decode(letter.body)
    return Original(
        stream=letter.stream,
        subject=letter.subject,
        stream_seq=letter.stream_seq,
        stored_at=letter.stored_at,
        headers=letter.headers,
        body=body,
    )


def failed_again(letter: DeadLetter, reason: str, dead_at: datetime) -> DeadLetter:
    """The letter after a redrive that failed."""
    count = letter.redrives + 1
    times = "once" if count == 1 else f"{count} times"
    return letter.model_copy(
        update={
            "reason": f"redriven {times}, failed again: {reason}",
            "dead_at": dead_at,
            "redrives": count,
        }
    )


def life_end(original: Original, kept_for: timedelta) -> datetime:
    """When the original's own life ends: a row recorded late has a shorter one."""
    ttl = _TTL.fullmatch(original.headers.get(TTL_HEADER, ""))
    own = LOG_LIFE if ttl is None else timedelta(seconds=int(ttl[1]))
    return original.stored_at + min(own, kept_for)


def deletes_at(letter: DeadLetter, kept_for: timedelta) -> datetime:
    """When the letter's life ends for whoever keeps the log for ``kept_for``."""
    end = letter.stored_at + kept_for
    return end if letter.deletes_at is None else min(end, letter.deletes_at)


def letter_id(service: Service, original: Original) -> str:
    """The same for every delivery of a message, and sorted by when that was stored.

    A stream made anew counts from 1 again, so the instant is part of it.
    """
    made_of = ("dead letter", service.value, original.stream, str(original.stream_seq))
    return str(uuid7(original.stored_at, *made_of))


def _as_text(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _as_utf8(text: str) -> str:
    """A header's text without what UTF-8 cannot hold (nats-py keeps odd bytes as surrogates)."""
    return text[:_KEPT_HEADER_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
