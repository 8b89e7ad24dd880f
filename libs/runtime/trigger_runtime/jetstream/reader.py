"""Reads stored messages of one stream by sequence or subject, without a consumer.

Direct gets are served by any replica and may be a moment behind on a replicated stream;
``last_from_leader`` is not, and is what a rejection must be confirmed with. Nothing found
is None or an empty answer, never an error. Made by ``bootstrap``, used by adapters.
"""

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from trigger_contracts import message_headers
from trigger_runtime.process.errors import BrokerUnavailable, ReadRefused, StreamMissing

from .connection import Connection
from .inbox import Inbox

MAX_SUBJECTS = 1000
"""Subjects in one request; the broker answers at most 1,024 of them."""
_NOT_FOUND = 404
_END = 204
_NO_MESSAGE_CODE = 10037
_DAMAGED = "Message Not Found"
"""Said in the middle of many subjects' newest messages, of one that the broker cannot read in its
file: it says no more of the others. Where there is none of any, it says "No Results"."""
_NO_ANSWER = 0
_NUMBER = re.compile(r"[0-9]{1,18}")
_NO_STREAM_CODE = 10059
_BEFORE = "Nats-Last-Sequence"
_PENDING = "Nats-Num-Pending"
_ADDED = frozenset(
    {
        "Nats-Stream",
        "Nats-Subject",
        "Nats-Sequence",
        "Nats-Time-Stamp",
        _PENDING,
        _BEFORE,
        "Nats-UpTo-Sequence",
    }
)
"""Headers of a direct get's answer that the message was not published with."""
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class StreamState:
    """How far a stream is, as its leader knows it.

    ``created_at`` tells it from one of its name that was before it: only their sequences are alike.
    ``first_seq`` of an empty stream is 0 or one more than its ``last_seq``. ``config`` is as the
    broker's API has it, empty where nobody asked for it.
    """

    created_at: datetime
    first_seq: int
    last_seq: int
    messages: int
    config: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message of a stream as it is stored."""

    subject: str
    seq: int
    stored_at: datetime
    payload: bytes
    headers: Mapping[str, str]


class _CutShort(Exception):  # noqa: N818 - named for the state, not for the class
    """An answer that ended at a message which the broker cannot read."""

    def __init__(self, found: Sequence[StoredMessage]) -> None:
        self.found = found


class StreamReader:
    """Reads messages of one stream by sequence or subject; what is not there is None or empty."""

    def __init__(self, connection: Connection, stream: str, *, timeout: timedelta) -> None:
        self._connection = connection
        self._client = connection.client
        self._timeout_s = timeout.total_seconds()
        self._stream = stream
        self._direct = f"$JS.API.DIRECT.GET.{stream}"
        self._inbox = Inbox(self._client, self._answered)
        self._answers: dict[str, asyncio.Queue[Msg]] = {}

    async def get(self, seq: int) -> StoredMessage | None:
        """The message at a sequence."""
        return _one(await self._request(self._direct, {"seq": seq}))

    async def last(self, subject: str) -> StoredMessage | None:
        """The newest message of a subject, from any replica."""
        return _one(await self._request(f"{self._direct}.{subject}", None))

    async def last_from_leader(self, subject: str) -> StoredMessage | None:
        """The newest message of a subject, as the stream's leader knows it; of a filter with
        wildcards the newest of all its subjects.
        """
        return await self._from_leader({"last_by_subj": subject})

    async def get_from_leader(self, seq: int) -> StoredMessage | None:
        """The message at a sequence, as the stream's leader knows it."""
        return await self._from_leader({"seq": seq})

    async def _from_leader(self, asked: Mapping[str, Any]) -> StoredMessage | None:
        answer = await self._request(f"$JS.API.STREAM.MSG.GET.{self._stream}", asked)
        body = self._json(answer)
        if body is None:
            return None
        message = body["message"]
        return StoredMessage(
            subject=message["subject"],
            seq=message["seq"],
            stored_at=_instant(message["time"]),
            payload=base64.b64decode(message.get("data", "")),
            headers=_parse_headers(base64.b64decode(message.get("hdrs", ""))),
        )

    async def last_many(self, subjects: Sequence[str]) -> dict[str, StoredMessage]:
        """The newest message of each subject that has one; wildcards are allowed."""
        found: dict[str, StoredMessage] = {}
        for start in range(0, len(subjects), MAX_SUBJECTS):
            part = subjects[start : start + MAX_SUBJECTS]
            try:
                messages, _ = await self._batch({"multi_last": list(part), "batch": MAX_SUBJECTS})
            except _CutShort as cut:
                messages = [*cut.found, *await self._each(part, cut.found)]
            for message in messages:
                found[message.subject] = message
        return found

    async def _each(
        self, subjects: Sequence[str], found: Sequence[StoredMessage]
    ) -> list[StoredMessage]:
        """One by one what an answer did not come to; of wildcards nothing more is known."""
        had = {message.subject for message in found}
        left = [one for one in subjects if one not in had and not set("*>") & set(one)]
        each = [await self.last(subject) for subject in left]
        return [message for message in each if message is not None]

    async def after(self, seq: int, subject: str, limit: int) -> list[StoredMessage]:
        """Up to ``limit`` messages of a subject filter with a greater sequence, in order.

        Fewer than ``limit`` means that these are all there are.
        """
        found: list[StoredMessage] = []
        pending = True
        while pending and len(found) < limit:
            # The broker ends an answer early when its messages are large.
            body = {"seq": seq + 1, "batch": limit - len(found), "next_by_subj": subject}
            messages, pending = await self._batch(body, is_chain=True)
            if not messages:
                break
            found += messages
            seq = messages[-1].seq
        return found

    async def seq_since(self, instant: datetime, subject: str) -> int | None:
        """Where the first message of a subject filter is that was stored then, or later."""
        asked = {"start_time": instant.isoformat(), "batch": 1, "next_by_subj": subject}
        found = _one(await self._request(self._direct, asked))
        return None if found is None else found.seq

    async def page_after(
        self, seq: int, subject: str, limit: int, max_bytes: int
    ) -> list[StoredMessage]:
        """As ``after``, and no further message once they have ``max_bytes`` together.

        Only an empty answer means that there are no more.
        """
        asked = {"seq": seq + 1, "batch": limit, "next_by_subj": subject, "max_bytes": max_bytes}
        messages, _ = await self._batch(asked, is_chain=True)
        return messages

    async def count_from(self, seq: int, subject: str) -> int:
        """How many messages of a subject filter are at a sequence or after it."""
        asked = {"seq": seq, "batch": 1, "next_by_subj": subject}
        answer = await self._request(self._direct, asked)
        return 0 if _one(answer) is None else _named(answer, _PENDING) + 1

    async def last_seq(self) -> int:
        """The stream's newest sequence; 0 when nothing was ever stored."""
        return (await self.state()).last_seq

    async def state(self) -> StreamState:
        """How far the stream is."""
        body = self._json(await self._request(f"$JS.API.STREAM.INFO.{self._stream}", None))
        if body is None:
            raise StreamMissing(f"no stream {self._stream}")
        return StreamState(
            created_at=_instant(body["created"]),
            first_seq=body["state"]["first_seq"],
            last_seq=body["state"]["last_seq"],
            messages=body["state"]["messages"],
            config=body["config"],
        )

    async def clock(self) -> datetime:
        """What the broker's clock shows: that of the node which leads the stream.

        Raises BrokerUnavailable, also while there is no such stream: it may be made any time.
        """
        answer = await self._request(f"$JS.API.STREAM.INFO.{self._stream}", None)
        try:
            body = self._json(answer)
        except ReadRefused as error:
            raise BrokerUnavailable(str(error)) from error
        if body is None:
            raise BrokerUnavailable(f"no stream {self._stream}")
        return _instant(body["ts"])

    async def _request(self, subject: str, body: Mapping[str, Any] | None) -> Msg:
        payload = b"" if body is None else json.dumps(body).encode()
        async with self._asking() as (reply, answers):
            # Not the client's request: it takes a stored message for the broker's "no responders"
            # if its header block says so.
            await self._client.publish(subject, payload, reply=reply)
            return await self._next(answers)

    @contextlib.asynccontextmanager
    async def _asking(self) -> AsyncIterator[tuple[str, asyncio.Queue[Msg]]]:
        """A subject for answers, and the answers as they come."""
        await self._connection.wait_connected(self._timeout_s)
        try:
            await self._inbox.open()
            reply = self._inbox.new_subject()
            answers = self._answers[reply] = asyncio.Queue()
            try:
                yield reply, answers
            finally:
                del self._answers[reply]
        except (NatsError, OSError, TimeoutError) as error:
            raise self._unavailable(error) from error

    async def _batch(
        self, body: dict[str, Any], *, is_chain: bool = False
    ) -> tuple[list[StoredMessage], bool]:
        """A batched direct get (ADR-31): messages until a status message ends them.

        Also whether more could be asked for. Each message of a chain names the one before it: an
        answer of which something was lost on the way is none.
        """
        found: list[StoredMessage] = []
        async with self._asking() as (reply, answers):
            await self._client.publish(self._direct, json.dumps(body).encode(), reply=reply)
            while True:
                # Most have arrived by the time they are asked for: a timeout costs ten times more.
                message = await self._next(answers) if answers.empty() else answers.get_nowait()
                status = _status(message)
                if status == _NOT_FOUND:
                    if not is_chain and (message.headers or {}).get("Description") == _DAMAGED:
                        raise _CutShort(found)
                    return found, False
                if status not in {_END, None}:
                    raise _refused(message, status)
                if is_chain and _named(message, _BEFORE) != (found[-1].seq if found else 0):
                    raise BrokerUnavailable(f"{self._stream}: a part of an answer is missing")
                if status == _END:
                    return found, _named(message, _PENDING) > 0
                found.append(_stored(message))

    async def _next(self, answers: asyncio.Queue[Msg]) -> Msg:
        async with asyncio.timeout(self._timeout_s):
            return await answers.get()

    def _answered(self, message: Msg) -> None:
        if queue := self._answers.get(message.subject):
            queue.put_nowait(message)

    def _unavailable(self, error: Exception) -> BrokerUnavailable:
        return BrokerUnavailable(f"{self._stream}: {str(error) or type(error).__name__}")

    def _json(self, answer: Msg) -> dict[str, Any] | None:
        if (status := _status(answer)) is not None:
            raise _refused(answer, status)
        try:
            body: dict[str, Any] = json.loads(answer.data)
        except (ValueError, RecursionError) as error:
            raise BrokerUnavailable(f"{self._stream}: an answer cannot be read") from error
        if refusal := body.get("error"):
            if refusal.get("err_code") == _NO_MESSAGE_CODE:
                return None
            if refusal.get("code") == 503:
                raise BrokerUnavailable(str(refusal.get("description")))
            missing = refusal.get("err_code") == _NO_STREAM_CODE
            refused = StreamMissing if missing else ReadRefused
            raise refused(f"{self._stream}: {refusal.get('description')}")
        return body


def _status(message: Msg) -> int | None:
    """The status of an answer; None for a message (whose headers say where it was stored)."""
    headers = message.headers
    if headers is None or "Nats-Sequence" in headers:
        return None
    status = headers.get("Status")
    # Neither is no answer of a stream: whatever it is, it is not what was asked for.
    return int(status) if status and _NUMBER.fullmatch(status) else _NO_ANSWER


def _named(message: Msg, header: str) -> int:
    value = (message.headers or {}).get(header, "")
    return int(value) if _NUMBER.fullmatch(value) else 0


def _refused(message: Msg, status: int | None) -> Exception:
    description = (message.headers or {}).get("Description", "")
    if status in {503, _NO_ANSWER}:
        return BrokerUnavailable(f"{status} {description}")
    return ReadRefused(f"{status} {description}")


def _one(answer: Msg) -> StoredMessage | None:
    status = _status(answer)
    if status == _NOT_FOUND:
        return None
    if status is not None:
        raise _refused(answer, status)
    return _stored(answer)


def _stored(message: Msg) -> StoredMessage:
    headers = message.headers or {}
    stored = {name: value for name, value in headers.items() if name not in _ADDED}
    why = message_headers.why_unreadable(headers)
    try:
        subject, seq = headers["Nats-Subject"], int(headers["Nats-Sequence"])
        stored_at = _instant(headers["Nats-Time-Stamp"])
    except (KeyError, ValueError) as error:
        raise BrokerUnavailable("an answer does not say where its message is stored") from error
    return StoredMessage(
        subject=subject,
        seq=seq,
        stored_at=stored_at,
        payload=message.data,
        headers=message_headers.UnreadableHeaders(stored, why) if why else stored,
    )


def _instant(text: str) -> datetime:
    """RFC 3339 with nanoseconds, to the microsecond below (as ``Delivery`` does)."""
    # Python reads nanoseconds, too, and keeps what fits.
    return datetime.fromisoformat(text)


def _parse_headers(raw: bytes) -> Mapping[str, str]:
    if not raw:
        return _NO_HEADERS
    return message_headers.read(raw)
