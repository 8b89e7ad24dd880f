"""Reads from streams, tables and endpoints what the checker of deliveries decides on."""

from datetime import timedelta
from functools import cache

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.chaos.delivery_checker import (
    Attempted,
    DeliveryEvidence,
    DeliveryHistory,
    Ended,
    Fault,
    Fired,
    Pair,
    Planned,
    Receipt,
    Record,
    Shown,
    Version,
)
from tests.chaos.delivery_load import OUT, Deliveries, subject_of
from tests.support.whole_platform import Platform
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryEnded,
    DeliveryPlanned,
    record_in,
)
from trigger_contracts.events import CloudEvent, TriggerChanged
from trigger_contracts.subjects import ALL_CHANGED, ALL_DELIVERY, ALL_FIRED
from trigger_runtime.jetstream.reader import StoredMessage

_webhook = cache(Webhook)


async def gather(platform: Platform) -> DeliveryEvidence:
    """What is stored now."""
    versions = set()
    for message in await platform.stored("TRIGGER_CHANGES", ALL_CHANGED):
        change = TriggerChanged.model_validate_json(message.payload)
        named = frozenset(change.definition.targets)
        versions.add(Version(change.trigger_id, change.version, named))
    shown = await platform.query(
        "SELECT event_id::text, target_id, round, state, attempts FROM retention.deliveries"
    )
    attempts = await platform.query(
        "SELECT event_id::text, target_id, round, attempt, epoch FROM retention.attempts"
    )
    waiting = await platform.query("SELECT event_id::text, target_id FROM executor.pending")
    return DeliveryEvidence(
        versions=tuple(versions),
        fired=tuple(map(_fired, await _events(platform))),
        records=tuple(map(_record, await platform.stored("TRIGGER_EVENTS", ALL_DELIVERY))),
        shown=tuple(Shown(**row) for row in shown),
        attempts=frozenset(
            (row["event_id"], row["target_id"], row["round"], row["attempt"], row["epoch"])
            for row in attempts
        ),
        waiting=frozenset((row["event_id"], row["target_id"]) for row in waiting),
    )


async def seen(
    deliveries: Deliveries, faults: tuple[Fault, ...], redelivered: frozenset[Pair]
) -> DeliveryHistory:
    """What was done and received until now; each request is judged by the secret that signs it."""
    platform = deliveries.platform
    bodies = {}
    for message in await _events(platform):
        bodies[CloudEvent.model_validate_json(message.payload).id] = message.payload
    receipts = [
        *_requests(deliveries, bodies),
        *await _messages(deliveries, bodies),
    ]
    return DeliveryHistory(
        targets=tuple(deliveries.targets.values()),
        faults=faults,
        receipts=tuple(receipts),
        accepted=frozenset(deliveries.accepted),
        redelivered=redelivered,
        forbidden=sum(one.connections for one in deliveries.forbidden),
    )


async def _events(platform: Platform) -> list[StoredMessage]:
    return await platform.stored("TRIGGER_EVENTS", ALL_FIRED)


def _fired(message: StoredMessage) -> Fired:
    entry = CloudEvent.model_validate_json(message.payload).data
    return Fired(entry.event_id, entry.trigger_id, entry.trigger_version, message.seq)


def _record(message: StoredMessage) -> Record:
    record = record_in(message.subject, message.payload)
    about = (
        message.seq,
        message.stored_at,
        record.delivery_id,
        record.event_id,
        record.target_id,
        record.round,
    )
    match record:
        case DeliveryPlanned():
            return Planned(*about, record.event_seq)
        case DeliveryEnded():
            return Ended(*about, record.reason.value)
        case DeliveryAttempted():
            return Attempted(
                *about,
                attempt=record.attempt,
                epoch=record.epoch,
                started_at=record.started_at,
                ended_at=record.started_at + timedelta(milliseconds=record.duration_ms),
                outcome=record.outcome.value,
                final=None if record.final is None else record.final.value,
                reason=None if record.reason is None else record.reason.value,
                address=record.address,
                next_attempt_at=record.next_attempt_at,
                retry_after=timedelta(seconds=record.retry_after_s or 0),
            )


def _requests(deliveries: Deliveries, bodies: dict[str, bytes]) -> list[Receipt]:
    # The one that was away is mended: what waited for it comes to another endpoint.
    of_endpoint = {"mended": "away"}
    found = []
    for name, endpoint in deliveries.endpoints.items():
        target_id = deliveries.targets[of_endpoint.get(name, name)].target_id
        for request in endpoint.requests:
            event_id = request.headers["webhook-id"]
            signed = _is_signed(deliveries.secrets[target_id], request.body, request.headers)
            found.append(
                Receipt(
                    target_id,
                    event_id,
                    int(request.headers["etp-attempt"]),
                    request.at,
                    is_answered=request.is_answered,
                    is_right=signed and request.body == bodies.get(event_id),
                )
            )
    return found


def _is_signed(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        _webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


async def _messages(deliveries: Deliveries, bodies: dict[str, bytes]) -> list[Receipt]:
    of_subject = {
        subject_of(name): one.target_id
        for name, one in deliveries.targets.items()
        if one.kind != "webhook"
    }
    found = []
    for stream in OUT.values():
        for message in await deliveries.platform.stored(stream):
            event_id = message.headers["webhook-id"]
            found.append(
                Receipt(
                    of_subject[message.subject],
                    event_id,
                    int(message.headers["etp-attempt"]),
                    message.stored_at,
                    is_right=message.payload == bodies.get(event_id),
                )
            )
    return found
