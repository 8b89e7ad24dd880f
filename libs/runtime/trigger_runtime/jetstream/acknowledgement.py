"""Reads the broker's answer to a write (a JetStream ``PubAck`` or its error) into our types.

Pure. The codes are nats-server's (``server/errors.json``) and were checked against 2.15.
"""

import json
import re
from dataclasses import dataclass

from trigger_runtime.process.errors import BrokerUnavailable, PublishRefused, StaleExpectation

STALE = 10071
"""wrong last sequence: N"""
DUPLICATE_IN_BATCH = 10201
"""batch contains a duplicate message id"""
DROPPED = frozenset({10176, 10210})
"""The batch was dropped unread (incomplete; too many in flight): nothing of it is stored."""
TOO_MANY_WAIT = 10167
"""Too many messages wait for this stream: this one was dropped unread."""
UNAVAILABLE_STATUS = 503

_LAST_SEQ = re.compile(r"wrong last sequence: (\d+)")


@dataclass(frozen=True, slots=True)
class PublishAck:
    """Where a message is stored; for a duplicate, where its first copy is."""

    seq: int
    duplicate: bool = False


class DuplicateInBatch(PublishRefused):
    """A message id of the batch is stored already, so the broker refused the batch."""


class BatchDropped(Exception):  # noqa: N818
    """The broker dropped the batch before it read all of it; sending it again is safe."""


def parse(answer: bytes, count: int) -> list[PublishAck]:
    """The acknowledgement of ``count`` messages written at once: their sequences are contiguous."""
    try:
        body = json.loads(answer)
    except (ValueError, RecursionError) as error:
        # A message that is captured by no stream may reach some subscriber that answers.
        raise PublishRefused("the answer is not an acknowledgement") from error
    if isinstance(body, dict) and isinstance(refusal := body.get("error"), dict):
        raise _error(refusal, count)
    last = body.get("seq") if isinstance(body, dict) else None
    if not isinstance(last, int):
        raise PublishRefused("the answer is not an acknowledgement")
    if count == 1:
        return [PublishAck(last, bool(body.get("duplicate", False)))]
    return [PublishAck(seq) for seq in range(last - count + 1, last + 1)]


def _error(error: dict[str, object], count: int) -> Exception:
    code = error.get("err_code")
    code = code if isinstance(code, int) else None
    description = str(error.get("description", "refused"))
    if code == STALE:
        match = _LAST_SEQ.search(description)
        return StaleExpectation(description, last_seq=int(match[1]) if match else None)
    if code == DUPLICATE_IN_BATCH:
        return DuplicateInBatch(description, code=code)
    if code in DROPPED or (code == TOO_MANY_WAIT and count > 1):
        return BatchDropped(description)
    if code == TOO_MANY_WAIT or error.get("code") == UNAVAILABLE_STATUS:
        return BrokerUnavailable(description)
    return PublishRefused(description, code=code)
