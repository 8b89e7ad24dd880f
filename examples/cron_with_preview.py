"""See what a cron expression will do in a time zone, then create the trigger.

Wants ETP_URL and ETP_API_KEY.
"""

import json
import os
import urllib.request
from typing import Any

SCHEDULE = {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "dst_policy": "skip_once"}


def post(path: str, body: Any) -> Any:
    sent = urllib.request.Request(
        os.environ["ETP_URL"] + path,
        data=json.dumps(body).encode(),
        headers={"X-API-KEY": os.environ["ETP_API_KEY"], "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(sent, timeout=30) as response:
        return json.load(response)


# From the evening before clocks are put forward in 2027: on 28 March there is no 02:30.
preview = post("/schedules/preview", {**SCHEDULE, "after": "2027-03-26T12:00:00Z", "count": 3})
print(preview["description"])
for occurrence in preview["occurrences"]:
    print(occurrence["local"], "is", occurrence["scheduled_for"], occurrence["dst"] or "")
for change in preview["clock_changes"]:
    print("clocks change at", change["at"], "and the occurrence is", change["effect"])

trigger = post("/triggers/", {"name": "nightly report", "type": "scheduled", **SCHEDULE})
print("created", trigger["id"], "fires next at", trigger["next_fire_at"])
