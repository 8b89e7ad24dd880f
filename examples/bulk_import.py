"""Create many triggers in one request, and learn which lines were refused.

Wants ETP_URL and ETP_API_KEY. For files of any length there is ``etp import``.
"""

import json
import os
import urllib.request

definitions = [
    *({"name": f"heartbeat {n}", "type": "scheduled", "interval": "PT1M"} for n in range(20)),
    {"name": "too often", "type": "scheduled", "interval": 0.5},
]
sent = urllib.request.Request(
    # Without `partial=true` all are created, or none.
    os.environ["ETP_URL"] + "/triggers/bulk?partial=true",
    data="\n".join(json.dumps(one) for one in definitions).encode(),
    headers={
        "X-API-KEY": os.environ["ETP_API_KEY"],
        "Content-Type": "application/x-ndjson",
        # Repeated under this key, also after a 503 in the middle, nothing is created twice.
        "Idempotency-Key": "every-minute-1",
    },
)
with urllib.request.urlopen(sent, timeout=60) as response:
    answer = json.load(response)
for line in answer["lines"]:
    print(line)
