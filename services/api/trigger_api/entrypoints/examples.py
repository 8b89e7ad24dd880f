"""The bodies that OpenAPI shows: examples that work as they stand."""

import json
from typing import Any

AT = "2030-01-26T15:00:00"
"""Ahead for years, and nearer than the horizon: the examples can be sent as they are."""

_ID = "019c0b5e-7d9c-7a51-8f10-3c1f1f2f6a55"


CREATES: dict[str, Any] = {
    "one-time": {
        "name": "Test Trigger",
        "type": "scheduled",
        "payload": "Sample Payload",
        "schedule_time": AT,
    },
    "recurring": {
        "name": "Every quarter of an hour",
        "type": "scheduled",
        "payload": {"room": "attic"},
        "interval": "PT15M",
    },
    "cron": {
        "name": "Opening",
        "type": "scheduled",
        "cron": "30 9 * * MON-FRI",
        "timezone": "Europe/Berlin",
        "exclude": ["2030-12-25/2030-12-26"],
        "misfire": {"policy": "none"},
    },
    "api": {
        "name": "Order received",
        "type": "api",
        "payload": {"source": "shop"},
        "payload_schema": {
            "type": "object",
            "required": ["order"],
            "properties": {"order": {"type": "integer"}},
        },
    },
}
PATCHES: dict[str, Any] = {
    "another name": {"name": "Renamed"},
    "an end": {"ends_at": "2031-01-01T00:00:00Z"},
}
TARGETS: dict[str, Any] = {
    "webhook": {
        "name": "Orders at the shop",
        "type": "webhook",
        "url": "https://example.com/hooks/orders",
        "secret_headers": {"Authorization": "Bearer s3cret"},
    },
    "webhook that takes a payload": {
        "name": "A chat",
        "type": "webhook",
        "url": "https://example.com/hooks/chat",
        "body": "payload",
        "timeout": 5,
        "retry": ["PT10S", "PT1M", "PT10M"],
        "rate": {"count": 1, "per": "1s"},
    },
    "nats": {"name": "Orders", "type": "nats", "subject": "out.orders", "ordered": True},
}
TARGET_EDITS: dict[str, Any] = {
    "webhook": {
        "name": "Orders at the new shop",
        "type": "webhook",
        "url": "https://example.com/hooks/v2/orders",
        "secret_headers": {"Authorization": "***"},
    },
}
TARGET_PATCHES: dict[str, Any] = {
    "another address": {"url": "https://example.com/hooks/v2/orders"},
    "slower": {"concurrency": 1, "rate": {"count": 60, "per": "1m"}},
}
ROTATIONS: dict[str, Any] = {
    "a new one": {},
    "at once": {"overlap": 0},
    "one of your own": {
        "secret": "whsec_bm90IGEgc2VjcmV0LCBidXQgYW4gZXhhbXBsZSBvZiBvbmU=",
        "overlap": "PT1H",
    },
}
FIRES: dict[str, Any] = {"a payload": {"payload": {"order": 17}}, "nothing to add": {}}
TEST_FIRES: dict[str, Any] = {
    **FIRES,
    "to another target": {"targets": [_ID]},
    "to none": {"targets": []},
}
SCHEDULED_TESTS: dict[str, Any] = {
    "at a time": {"schedule_time": AT},
    "recurring": {"interval": 60, "payload": {"room": "attic"}},
    "to a target": {"interval": 60, "target": _ID},
}
PREVIEWS: dict[str, Any] = {
    "the next ones": {"cron": "0 9 * * MON-FRI", "timezone": "Asia/Kolkata", "count": 3},
    "a night in which clocks change": {
        "cron": "30 2 * * *",
        "timezone": "America/New_York",
        "after": "2030-03-09T00:00:00",
        "until": "2030-03-12T00:00:00",
    },
}
SIGN_INS: dict[str, Any] = {"a key": {"api_key": "etp_0123456789ab.secret"}}
API_TESTS: dict[str, Any] = {
    "a payload": {"payload": {"key": "value"}},
    "with a schema": {
        "payload": {"order": 17},
        "payload_schema": {"type": "object", "required": ["order"]},
    },
    "to a webhook that is not saved": {
        "payload": {"order": 17},
        "target": {"type": "webhook", "url": "https://example.com/hooks/orders"},
    },
}
REPLAYS: dict[str, Any] = {
    "count what an outage missed": {
        "filter": {
            "status": "missed",
            "from": "2030-01-26T15:00:00Z",
            "to": "2030-01-26T16:00:00Z",
        },
        "dry_run": True,
    },
    "a trigger's fires of today": {"filter": {"trigger_id": _ID, "status": "fired"}},
}
REPLAY_ACCEPTED = {
    "event_id": "019c0b5e-7d9c-7b32-9c41-5d2e3a4b6c77",
    "status": "accepted",
    "replay_of": _ID,
}
REPLAYS_COUNTED: dict[str, Any] = {
    "dry_run": True,
    "count": 12,
    "replayable": 11,
    "refused": {"not-replayable": 1},
}
REPLAYS_ACCEPTED: dict[str, Any] = {
    "dry_run": False,
    "count": 12,
    "replayed": 11,
    "refused": {"not-replayable": 1},
}

NDJSON = "".join(
    json.dumps(definition, separators=(",", ":")) + "\n" for definition in CREATES.values()
)
ALL_CREATED: dict[str, Any] = {
    "created": 1,
    "refused": 0,
    "accepted": 0,
    "lines": [{"line": 1, "status": "created", "id": _ID, "version": 1}],
}
SOME_REFUSED: dict[str, Any] = {
    "created": 1,
    "refused": 1,
    "accepted": 0,
    "lines": [
        {"line": 1, "status": "created", "id": _ID, "version": 1},
        {
            "line": 2,
            "status": "refused",
            "problem": {
                "code": "invalid",
                "detail": "Field required",
                "errors": [{"pointer": "/name", "message": "Field required"}],
            },
        },
    ],
}
SOME_ACCEPTED: dict[str, Any] = {
    "created": 0,
    "refused": 0,
    "accepted": 1,
    "lines": [{"line": 1, "status": "accepted", "id": _ID}],
}
REDELIVERIES: dict[str, Any] = {"to its own targets": {}, "to another": {"targets": ["erp"]}}
REDELIVER_MANY: dict[str, Any] = {
    "count what a target did not get": {
        "filter": {"target_id": "erp", "state": "dead", "from": "2030-01-26T15:00:00Z"},
        "dry_run": True,
    },
    "try now what waits": {"filter": {"target_id": "erp", "state": "pending"}},
}
CANCEL_MANY: dict[str, Any] = {
    "what waits of a trigger": {"filter": {"trigger_id": _ID}},
}
