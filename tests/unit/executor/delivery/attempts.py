"""Attempts to send, for tests."""

import json
from datetime import UTC, datetime
from typing import Any

from trigger_contracts.targets.changes import SigningSecret
from trigger_contracts.targets.fields import parse_target
from trigger_executor.domain.delivery.attempt import Attempt

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
EVENT_ID = "01941f29-7c00-7000-8000-000000000001"
PAYLOAD = {"order": 42, "total": 1.5, "note": "grüße"}
EVENT = json.dumps(
    {"specversion": "1.0", "id": EVENT_ID, "data": {"event_id": EVENT_ID, "payload": PAYLOAD}},
    ensure_ascii=False,
).encode()


def make_attempt(**fields: Any) -> Attempt:
    """One to a webhook, or to where a target's ``fields`` say; others are the attempt's."""
    of_attempt = {
        "event_id": EVENT_ID,
        "target_id": "shop",
        "secrets": (),
        "number": 1,
        "is_test": False,
        "event": EVENT,
        "is_sampled": False,
    }
    of_attempt = {name: fields.pop(name, default) for name, default in of_attempt.items()}
    default = {} if fields.get("type") == "nats" else {"url": "https://example.com/hook"}
    definition = parse_target({"type": "webhook", **default, **fields})
    return Attempt(definition=definition, **of_attempt)


def sealed_secret(sealed: str, expires_at: datetime | None = None) -> SigningSecret:
    return SigningSecret(sealed=sealed, made_at=NOON, expires_at=expires_at)
