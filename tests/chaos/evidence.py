"""Reads from the logs and tables what the checker decides on."""

import json
from typing import Any

from tests.chaos.checker import Change, Evidence, Record, Row, Standing
from tests.support.whole_platform import Platform
from trigger_contracts.events import DUE_RECORD, CloudEvent, Due, Missed, TriggerChanged


async def gather(platform: Platform) -> Evidence:
    changes = []
    for message in await platform.stored("TRIGGER_CHANGES"):
        change = TriggerChanged.model_validate_json(message.payload)
        changes.append(
            Change(
                seq=message.seq,
                stored_at=message.stored_at,
                trigger_id=change.trigger_id,
                name=change.definition.name,
                kind=change.kind.value,
                version=change.version,
                marker=_marker(change.definition.payload),
            )
        )
    records = []
    for message in await platform.stored("TRIGGER_DUE"):
        record = DUE_RECORD.validate_json(message.payload)
        about = (message.seq, message.stored_at, record.trigger_id, record.kind, record.version)
        match record:
            case Due():
                records.append(Record(*about, record.scheduled_for))
            case Missed():
                records += [Record(*about, occurrence) for occurrence in record.occurrences]
            case _:
                records.append(Record(*about))
    events = await platform.stored("TRIGGER_EVENTS")
    standings = await platform.query("SELECT trigger_id, change_seq FROM scheduler.trigger")
    return Evidence(
        changes=tuple(changes),
        records=tuple(records),
        rows=tuple(
            Row(
                event_id=str(row["event_id"]),
                trigger_id=row["trigger_id"],
                version=row["trigger_version"],
                status=row["status"],
                scheduled_for=row["scheduled_for"],
                fired_at=row["fired_at"],
                logged_at=row["logged_at"],
                marker=_marker(json.loads(row["payload"]) if row["payload"] else None),
            )
            for row in await platform.log_rows()
        ),
        event_ids=frozenset(CloudEvent.model_validate_json(m.payload).id for m in events),
        standings=tuple(Standing(s["trigger_id"], s["change_seq"]) for s in standings),
        dead_letters=len(await platform.dead_letters()),
    )


def _marker(payload: Any) -> str:
    """What the load wrote into it; others' payloads have none."""
    found = payload.get("m", "") if isinstance(payload, dict) else ""
    return found if isinstance(found, str) else ""
