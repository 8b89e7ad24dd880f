"""What is sent to a receiver: headers, signature and body, by HTTP or to a subject. Pure.

The signature is that of Standard Webhooks (``v1``: HMAC-SHA256 of id, timestamp and body), one for
each secret that is valid, the newest first: during a rotation a receiver may know either.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pydantic_core

from trigger_contracts.targets.changes import SigningSecret
from trigger_contracts.targets.secrets import key_of
from trigger_contracts.tracing import TRACEPARENT, stage_of

from .attempt import Attempt
from .own_secrets import OwnSecrets

MESSAGE_ID = "Nats-Msg-Id"
CONTENT_TYPES = {"event": "application/cloudevents+json", "payload": "application/json"}
_SAMPLED, _NOT_SAMPLED = "01", "00"


def valid_secrets(secrets: Sequence[SigningSecret], now: datetime) -> tuple[SigningSecret, ...]:
    """Those that sign at ``now``, the newest first."""
    return tuple(one for one in secrets if one.expires_at is None or now < one.expires_at)


def signature(event_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> str:
    """The value of ``webhook-signature``; raises ``Refused`` for what is no secret."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(key_of(secret), signed, "sha256") for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def body_of(event: bytes, form: Literal["event", "payload"]) -> bytes:
    """The event as its stream has it, byte for byte, or its payload alone.

    Raises ValueError where it has none, which no event of ours is without.
    """
    if form == "event":
        return event
    read = pydantic_core.from_json(event)
    try:
        return pydantic_core.to_json(read["data"]["payload"])
    except (KeyError, TypeError):
        raise ValueError("the event has no payload") from None


@dataclass(frozen=True, slots=True, repr=False)
class WebhookRequest:
    """A POST: all of its headers but ``Host`` and ``Content-Length``, which follow from the rest.

    Nothing of it is shown: it holds secrets.
    """

    headers: Mapping[str, str]
    body: bytes


def webhook_request(
    attempt: Attempt, secrets: OwnSecrets, now: datetime, *, user_agent: str
) -> WebhookRequest:
    """The request of an attempt that starts at ``now``."""
    body = body_of(attempt.event, attempt.definition.body)
    timestamp = int(now.timestamp())
    given = {**attempt.definition.headers, **secrets.headers}
    # What any HTTP client says, unless a target's owner says otherwise.
    accept = {} if any(name.lower() == "accept" for name in given) else {"Accept": "*/*"}
    return WebhookRequest(
        headers={
            **_common(attempt, timestamp),
            "webhook-signature": signature(attempt.event_id, timestamp, body, secrets.signing),
            "User-Agent": user_agent,
            "Accept-Encoding": "identity",
            **accept,
            **given,
        },
        body=body,
    )


@dataclass(frozen=True, slots=True, repr=False)
class SubjectMessage:
    """A message for a NATS target's subject."""

    subject: str
    headers: Mapping[str, str]
    body: bytes


def subject_message(attempt: Attempt, now: datetime) -> SubjectMessage:
    """The message of an attempt that starts at ``now``; ``Nats-Msg-Id`` is the event's id."""
    return SubjectMessage(
        subject=attempt.definition.subject or "",
        headers={MESSAGE_ID: attempt.event_id, **_common(attempt, int(now.timestamp()))},
        body=body_of(attempt.event, attempt.definition.body),
    )


def _common(attempt: Attempt, timestamp: int) -> dict[str, str]:
    span = stage_of(attempt.event_id, f"attempt|{attempt.target_id}|{attempt.number}")
    flags = _SAMPLED if attempt.is_sampled else _NOT_SAMPLED
    return {
        "Content-Type": CONTENT_TYPES[attempt.definition.body],
        "webhook-id": attempt.event_id,
        "webhook-timestamp": str(timestamp),
        "etp-attempt": str(attempt.number),
        "etp-test": "true" if attempt.is_test else "false",
        TRACEPARENT: f"00-{span.trace_id:032x}-{span.span_id:016x}-{flags}",
    }
