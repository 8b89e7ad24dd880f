"""Follow the log by server-sent events, and go on where it stopped: nothing is missed.

Wants ETP_URL and ETP_API_KEY. ``python follow_log.py [COUNT]`` ends after so many events; the id of
the last one is kept in the file that ETP_LAST_ID names (``last-id``).
"""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

KEPT = Path(os.environ.get("ETP_LAST_ID", "last-id"))


def listen(last_id: str) -> Iterator[tuple[str, str, str]]:
    """Kind, id and data of what comes after an event; ends when the connection does."""
    sent = urllib.request.Request(
        os.environ["ETP_URL"] + "/events/stream",
        headers={"X-API-KEY": os.environ["ETP_API_KEY"], "Last-Event-ID": last_id},
    )
    # Something comes at least every 15 s, if only to say how far the log is.
    with urllib.request.urlopen(sent, timeout=60) as lines:
        kind = data = ""
        for raw in lines:
            name, _, value = raw.decode().rstrip("\r\n").partition(": ")
            match name:
                case "id":
                    last_id = value
                case "event":
                    kind = value
                case "data":
                    data = value
                case "" if not value:
                    yield kind, last_id, data
                    kind = data = ""


def events() -> Iterator[dict[str, object]]:
    """Every event once, for ever; begins with the oldest that is kept (``0``)."""
    last_id = KEPT.read_text() if KEPT.exists() else "0"
    while True:
        try:
            for kind, event_id, data in listen(last_id):
                if kind in ("reset", "dropped", "closing"):
                    print(kind, data, file=sys.stderr)  # the stream speaks of itself
                elif data:
                    yield json.loads(data)
                # Kept when it is handled: after a crash the last one comes once more.
                last_id = event_id
                KEPT.write_text(last_id)
        except OSError as error:
            print("again in a second:", error, file=sys.stderr)
        time.sleep(1)


wanted = int(sys.argv[1]) if len(sys.argv) > 1 else None
for number, event in enumerate(events(), 1):
    print(json.dumps(event), flush=True)
    if number == wanted:
        break
