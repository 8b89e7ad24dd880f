"""Server-sent events as bytes (HTML Living Standard, 9.2).

Events of the log are CloudEvents under their type. Those that speak of the stream itself have
names of their own: ``reset``, ``dropped``, ``closing``.
"""

import json
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel

from .tail_position import StreamPosition

CONTENT_TYPE = "text/event-stream"

RETRY_MS = 1000
"""What a client waits before it comes back: as ``Retry-After`` of a 503."""


class Notice(StrEnum):
    """What a stream says about itself, by its event's name."""

    RESET = "reset"
    DROPPED = "dropped"
    CLOSING = "closing"


class StreamNotice(BaseModel):
    """The data of an event that speaks of the stream: `reset`, `dropped` or `closing`."""

    code: Literal["log-reset", "reader-too-slow", "gateway-stopping"]
    detail: str


_SAID = {
    Notice.RESET: (
        "log-reset",
        "the log is not the one in which you read last: events may have been missed",
    ),
    Notice.DROPPED: (
        "reader-too-slow",
        "you read more slowly than events come: resume with Last-Event-ID, or ask for fewer",
    ),
    Notice.CLOSING: (
        "gateway-stopping",
        "the gateway stops: resume with Last-Event-ID, here or at another one",
    ),
}


def event(position: StreamPosition, kind: str, body: bytes) -> bytes:
    """An event of the log. ``body`` is JSON: a line break in it stands between its tokens."""
    line = body.replace(b"\r", b" ").replace(b"\n", b" ")
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (str(position).encode(), kind.encode(), line)


def opening(position: StreamPosition) -> bytes:
    """The first words: how soon to come back, and after what even if no event is seen before."""
    return b"retry: %d\n%s" % (RETRY_MS, heartbeat(position))


def heartbeat(position: StreamPosition) -> bytes:
    """A comment that says the connection stands, and how far it is.

    An event without data is not dispatched, but its id counts.
    """
    return b": .\nid: %s\n\n" % str(position).encode()


def notice(said: Notice, position: StreamPosition | None = None) -> bytes:
    """Something about the stream itself. Without a position the client keeps its last id."""
    code, detail = _SAID[said]
    lines = [f"id: {position}"] if position is not None else []
    lines += [f"event: {said}", f"data: {json.dumps({'code': code, 'detail': detail})}"]
    return "\n".join([*lines, "", ""]).encode()
