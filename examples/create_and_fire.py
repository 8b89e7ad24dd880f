"""Create an api trigger, fire it under an idempotency key, and wait for its event in the log.

Wants ETP_URL and ETP_API_KEY.
"""

import json
import os
import time
import urllib.error
import urllib.request
from typing import Any


def request(method: str, path: str, body: Any = None, **headers: str) -> Any:
    """One request; raises RuntimeError with the problem that the platform answers."""
    sent = urllib.request.Request(
        os.environ["ETP_URL"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "X-API-KEY": os.environ["ETP_API_KEY"],
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )
    try:
        with urllib.request.urlopen(sent, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        if problem["code"] == "not-found":
            raise LookupError(problem["detail"]) from None
        # `errors` points at the fields that are wrong, and says what is allowed.
        raise RuntimeError(f"{problem['detail']} {problem.get('errors', '')}") from None


def event_of(event_id: str) -> Any:
    """The row of the log, as soon as it is there: a few milliseconds, usually."""
    for _ in range(100):
        try:
            return request("GET", f"/events/{event_id}")
        except LookupError:
            time.sleep(0.1)
    raise TimeoutError(event_id)


trigger = request(
    "POST",
    "/triggers/",
    {
        "name": "order placed",
        "type": "api",
        "payload": {"currency": "EUR"},
        "payload_schema": {
            "type": "object",
            "required": ["amount"],
            "properties": {"amount": {"type": "number", "minimum": 0}},
        },
    },
)
# Sent again under the same key within 48 hours, it is the same event: repeat it without a thought.
fired = request(
    "POST",
    f"/triggers/{trigger['id']}/fire",
    {"payload": {"amount": 12.5}},
    Idempotency_Key="order-1",
)
event = event_of(fired["event_id"])
print(event["status"], event["fired_at"], event["payload"])
