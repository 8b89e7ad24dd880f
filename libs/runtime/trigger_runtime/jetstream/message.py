"""A message to append to a stream, and what it is on the wire.

Pure. What is checked here never reaches the broker: a subject that others could be hidden in, and
more bytes than the broker takes, which closes the connection.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from trigger_runtime.process.errors import PublishRefused

from .client import frame

HEADER_ROOM = 512
"""Bytes kept free under the broker's payload limit for the headers added here: exceeding it
closes the connection."""

_SUBJECT = re.compile(r"[A-Za-z0-9_$-]+(?:\.[A-Za-z0-9_=$-]+)*")


@dataclass(frozen=True, slots=True)
class Message:
    """One message to append.

    ``expected_last_subject_seq`` 0 means that the subject must have no message.
    ``message_id`` must depend on the subject too: the broker answers ``duplicate`` for the
    same id on another subject and stores nothing.
    """

    subject: str
    payload: bytes
    message_id: str | None = None
    expected_last_subject_seq: int | None = None
    ttl: timedelta | None = None
    headers: Mapping[str, str] | None = None


def check(message: Message, max_payload: int) -> None:
    """Defence in depth: subjects are built from validated ids, yet none may escape."""
    if not _SUBJECT.fullmatch(message.subject):
        raise PublishRefused(f"not a subject to publish to: {message.subject!r}")
    size = len(message.payload) + HEADER_ROOM
    if message.headers:
        size += sum(4 + len(k) + 4 * len(v) for k, v in message.headers.items())
    if size > max_payload:
        raise PublishRefused(f"{len(message.payload)} bytes exceed the broker's limit")


def single_frame(message: Message, reply: str) -> bytes:
    """A message by itself, acknowledged to ``reply``."""
    return frame(message.subject, reply, message.payload, _headers(message))


def unfinished_frames(messages: Sequence[Message], batch_id: str) -> list[bytes]:
    """All of an atomic batch but its last message, which finishes it."""
    return [
        _batch_frame(message, batch_id, position)
        for position, message in enumerate(messages[:-1], 1)
    ]


def finishing_frame(messages: Sequence[Message], batch_id: str, reply: str) -> bytes:
    """The last message of an atomic batch, by which all are stored, acknowledged to ``reply``."""
    return _batch_frame(messages[-1], batch_id, len(messages), commit_to=reply)


def _batch_frame(message: Message, batch_id: str, position: int, commit_to: str = "") -> bytes:
    headers = _headers(message)
    headers["Nats-Batch-Id"] = batch_id
    headers["Nats-Batch-Sequence"] = str(position)
    if commit_to:
        headers["Nats-Batch-Commit"] = "1"
    return frame(message.subject, commit_to, message.payload, headers)


def _headers(message: Message) -> dict[str, str]:
    headers = dict(message.headers) if message.headers else {}
    if message.message_id is not None:
        headers["Nats-Msg-Id"] = message.message_id
    if message.expected_last_subject_seq is not None:
        headers["Nats-Expected-Last-Subject-Sequence"] = str(message.expected_last_subject_seq)
    if message.ttl is not None:
        # Whole seconds, at least one: the broker refuses less.
        headers["Nats-TTL"] = f"{max(1, math.ceil(message.ttl.total_seconds()))}s"
    return headers
