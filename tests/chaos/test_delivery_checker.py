"""The checker of deliveries itself: what is right passes, and each way to be wrong is caught."""

import inspect
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.chaos import delivery_checker
from tests.chaos.delivery_checker import (
    Attempted,
    DeliveryEvidence,
    DeliveryHistory,
    Ended,
    Fault,
    Fired,
    Planned,
    Receipt,
    Record,
    Shown,
    Target,
    Version,
    repeated,
    states,
    violations,
)

START = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RECEIVER = frozenset({"127.0.0.2"})
TARGETS = (
    Target(
        "hook",
        delays=(SECOND, 2 * SECOND),
        is_well=True,
        may_end=frozenset({"exhausted", "cancelled"}),
        addresses=RECEIVER,
    ),
    Target("line", is_ordered=True, delays=(SECOND,), addresses=RECEIVER),
    Target("core", kind="core"),
    Target("away", is_forbidden=True),
)
EVENTS = {"e1": 10, "e2": 20, "e3": 30}
"""By event: its place in the log. The first version fires the first two, and names all targets."""


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def about(event: str, target: str, seq: int, seconds: float, number: int) -> tuple[Any, ...]:
    return seq, at(seconds), f"{event}-{target}", event, target, number


def plan(event: str, target: str, seq: int, seconds: float, number: int = 1) -> Planned:
    return Planned(*about(event, target, seq, seconds, number), EVENTS[event])


def tried(
    event: str, target: str, seq: int, seconds: float, attempt: int = 1, **fields: Any
) -> Attempted:
    """An attempt that took 100 ms, delivered, and was stored 10 ms after its end."""
    number = fields.pop("round", 1)
    return Attempted(
        *about(event, target, seq, seconds + 0.11, number),
        **{
            "attempt": attempt,
            "epoch": 1,
            "started_at": at(seconds),
            "ended_at": at(seconds + 0.1),
            "final": "delivered",
            "address": "127.0.0.2" if target in {"hook", "line"} else None,
            **fields,
        },
    )


def failed(
    event: str, target: str, seq: int, seconds: float, attempt: int, next_s: float
) -> Record:
    following = at(seconds + 0.1 + next_s)
    fields = {"outcome": "failed", "final": None, "next_attempt_at": following}
    return tried(event, target, seq, seconds, attempt, **fields)


def blocked(event: str, seq: int, seconds: float, **fields: Any) -> Attempted:
    return tried(
        event, "away", seq, seconds, **{"outcome": "blocked", "final": "blocked", **fields}
    )


def came(event: str, target: str, seconds: float, attempt: int = 1, **fields: Any) -> Receipt:
    return Receipt(target, event, attempt, at(seconds), **fields)


KILLED = Fault("deliver", "kill", at(50), at(51))
RECORDS: tuple[Record, ...] = (
    plan("e1", "hook", 11, 1),
    plan("e1", "line", 12, 1),
    plan("e1", "core", 13, 1),
    plan("e1", "away", 14, 1),
    failed("e1", "hook", 15, 1.1, 1, 1.1),
    tried("e1", "line", 16, 1.1),
    tried("e1", "core", 17, 1.1),
    blocked("e1", 18, 1.1),
    plan("e2", "hook", 21, 2),
    plan("e2", "line", 22, 2),
    plan("e2", "core", 23, 2),
    plan("e2", "away", 24, 2),
    tried("e1", "hook", 25, 2.3, 2),
    tried("e2", "hook", 26, 2.1),
    tried("e2", "line", 27, 2.1),
    tried("e2", "core", 28, 2.1),
    blocked("e2", 29, 2.1),
    plan("e3", "hook", 31, 3),
    tried("e3", "hook", 32, 3.1),
    plan("e3", "hook", 33, 40, 2),
    tried("e3", "hook", 34, 40.1, round=2),
)
RECEIPTS = (
    came("e1", "hook", 1.15),
    came("e1", "line", 1.15),
    came("e1", "core", 1.15),
    came("e2", "hook", 2.15),
    came("e2", "line", 2.15),
    came("e2", "core", 2.15),
    came("e1", "hook", 2.35, 2),
    came("e3", "hook", 3.15),
    came("e3", "hook", 40.15),
)
HISTORY = DeliveryHistory(
    targets=TARGETS,
    faults=(KILLED,),
    receipts=RECEIPTS,
    accepted=frozenset({"e1", "e3"}),
    redelivered=frozenset({("e3", "hook")}),
)


def shown_of(records: tuple[Record, ...]) -> tuple[Shown, ...]:
    """The view of deliveries that are all at their ends."""
    found: dict[tuple[str, str], Shown] = {}
    for one in records:
        state = "blocked" if one.target_id == "away" else "delivered"
        if isinstance(one, Attempted):
            found[one.pair] = Shown(*one.pair, one.round, state, one.attempt)
    return tuple(found.values())


def attempts_of(records: tuple[Record, ...]) -> frozenset[tuple[str, str, int, int, int]]:
    return frozenset(
        (*one.pair, one.round, one.attempt, one.epoch)
        for one in records
        if isinstance(one, Attempted)
    )


def evidence(records: tuple[Record, ...] = RECORDS, **fields: Any) -> DeliveryEvidence:
    """What is stored where the tables follow the records."""
    given = {
        "versions": (
            Version("t", 1, frozenset({"hook", "line", "core", "away"})),
            Version("t", 2, frozenset({"hook"})),
        ),
        "fired": (
            *(Fired(event, "t", 1, EVENTS[event]) for event in ("e1", "e2")),
            Fired("e3", "t", 2, 30),
        ),
        "records": records,
        "shown": shown_of(records),
        "attempts": attempts_of(records),
    }
    return DeliveryEvidence(**{**given, **fields})


def without(*seqs: int) -> DeliveryEvidence:
    return evidence(tuple(one for one in RECORDS if one.seq not in seqs))


def plus(*records: Record, **fields: Any) -> DeliveryEvidence:
    """With more records, and the views as they were but for the attempts."""
    return evidence(
        (*RECORDS, *records),
        **{"shown": shown_of(RECORDS), **fields},
    )


def swapped(at_seq: int, **fields: Any) -> DeliveryEvidence:
    records = tuple(replace(one, **fields) if one.seq == at_seq else one for one in RECORDS)
    return evidence(records, shown=shown_of(RECORDS))


def received(*receipts: Receipt, **fields: Any) -> DeliveryHistory:
    return replace(HISTORY, receipts=(*RECEIPTS, *receipts), **fields)


def lost(event: str, target: str) -> DeliveryHistory:
    left = tuple(one for one in RECEIPTS if (one.event_id, one.target_id) != (event, target))
    return replace(HISTORY, receipts=left)


def rules(history: DeliveryHistory, found: DeliveryEvidence) -> set[str]:
    return {one.rule for one in violations(history, found)}


def test_what_kept_every_promise_passes() -> None:
    assert violations(HISTORY, evidence()) == []
    assert states(evidence()) == {"delivered": 7, "blocked": 2}


def test_what_was_in_flight_at_a_fault_may_come_twice() -> None:
    """Its outcome was not recorded: whoever took the lane made the same attempt again."""
    at_it = Fault("deliver", "kill", at(2.16), at(2.17))
    again = tried("e2", "hook", 26, 8, epoch=2)
    records = tuple(again if one.seq == 26 else one for one in RECORDS)
    history = received(came("e2", "hook", 8.05), faults=(at_it,))
    assert (repeated(HISTORY), repeated(history)) == (0, 1)
    assert rules(history, evidence(records)) == set()


def test_a_stopped_replica_that_resumes_may_record_what_its_successor_has() -> None:
    stopped = Fault("deliver", "stop", at(2.05), at(9))
    late = tried("e2", "hook", 40, 2.1, epoch=0, ended_at=at(9.1))
    history = received(came("e2", "hook", 9.05), faults=(stopped,))
    assert rules(history, plus(late)) == set()


def test_a_request_that_got_no_answer_may_come_again_under_its_number() -> None:
    """The stale connection of keep-alive: one fresh try."""
    assert rules(received(came("e2", "hook", 2.12, is_answered=False)), evidence()) == set()


def test_what_a_broker_took_may_be_missing_in_a_stream_of_ones_own_if_it_was_killed() -> None:
    killed = Fault("nats", "kill", at(2.1), at(4))
    history = replace(lost("e2", "core"), faults=(killed,))
    assert rules(history, evidence()) == set()
    assert rules(lost("e2", "core"), evidence()) == {"delivered, and not received"}


def test_an_endpoint_that_is_well_may_wait_while_something_recovers() -> None:
    late = {"started_at": at(13), "ended_at": at(13.1), "stored_at": at(13.2)}
    receipts = tuple(
        replace(one, at=at(13.05)) if one.event_id == "e2" and one.target_id == "hook" else one
        for one in RECEIPTS
    )
    history = replace(HISTORY, receipts=receipts)
    assert rules(history, swapped(26, **late)) == {"an endpoint that is well waited"}
    disturbed = replace(history, faults=(Fault("deliver", "kill", at(1.5), at(1.6)),))
    assert rules(disturbed, swapped(26, **late)) == set()


def test_two_replicas_tell_the_time_a_little_differently() -> None:
    by_another = {"started_at": at(2.0), "ended_at": at(2.1)}
    assert rules(HISTORY, swapped(25, **by_another, epoch=2)) == set()
    assert rules(HISTORY, swapped(25, **by_another)) == {"tried earlier than promised"}


CANCELLED = Ended(*about("e2", "hook", 26, 2.5, 1), "cancelled")

WRONG: dict[str, tuple[DeliveryHistory, DeliveryEvidence, str]] = {
    "a fault that missed": (
        replace(HISTORY, faults=(replace(KILLED, hit=False),)),
        evidence(),
        "a fault that never hit",
    ),
    "a packet to an address that is not allowed": (
        replace(HISTORY, forbidden=1),
        evidence(),
        "a connection to a forbidden address",
    ),
    "an accepted fire lost": (
        replace(HISTORY, accepted=frozenset({"e9"})),
        evidence(),
        "an accepted fire has no event",
    ),
    "a version lost": (HISTORY, evidence(versions=()), "an event of no version"),
    "a plan lost": (HISTORY, without(21, 26), "a target has no plan"),
    "a plan too many": (
        HISTORY,
        plus(plan("e3", "core", 41, 3)),
        "planned for a target that is not named",
    ),
    "a plan of nothing": (
        HISTORY,
        evidence(fired=(Fired("e1", "t", 1, 10), Fired("e2", "t", 1, 20))),
        "planned for what did not fire",
    ),
    "a plan of another event": (HISTORY, swapped(21, event_seq=10), "a plan names another event"),
    "a plan twice": (HISTORY, plus(plan("e2", "hook", 41, 5)), "planned twice"),
    "an id twice": (HISTORY, swapped(22, delivery_id="e1-line"), "one id, two deliveries"),
    "two ids": (HISTORY, swapped(27, delivery_id="e2-other"), "one delivery, two ids"),
    "a target from nowhere": (
        replace(HISTORY, targets=TARGETS[1:]),
        evidence(),
        "a delivery to a target that nobody made",
    ),
    "a redelivery lost": (HISTORY, without(33, 34), "a round that was asked for did not begin"),
    "no plan of a round": (HISTORY, without(33), "a record without its plan"),
    "a redelivery from nowhere": (
        replace(HISTORY, redelivered=frozenset()),
        evidence(),
        "a round that nobody asked for",
    ),
    "no end": (HISTORY, without(26), "a delivery is still pending"),
    "an end for no reason": (
        HISTORY,
        evidence((*RECORDS[:14], replace(CANCELLED, seq=27, target_id="line"))),
        "dead without a reason",
    ),
    "too few attempts": (
        HISTORY,
        swapped(26, outcome="failed", final="dead", reason="exhausted"),
        "given up too early",
    ),
    "tried after it was cancelled": (
        HISTORY,
        evidence(
            (
                *RECORDS[:13],
                CANCELLED,
                tried("e2", "hook", 41, 6),
                *RECORDS[14:],
            )
        ),
        "tried after its end",
    ),
    "one attempt more": (
        HISTORY,
        plus(tried("e2", "line", 41, 3, 3), tried("e2", "line", 42, 5, 4)),
        "more attempts than promised",
    ),
    "an attempt left out": (HISTORY, without(15), "an attempt is not recorded"),
    "attempts the wrong way round": (
        HISTORY,
        swapped(15, seq=35),
        "attempts are recorded out of order",
    ),
    "too early": (
        HISTORY,
        swapped(25, started_at=at(2.1), ended_at=at(2.2)),
        "tried earlier than promised",
    ),
    "before Retry-After": (
        HISTORY,
        swapped(15, retry_after=5 * SECOND),
        "tried earlier than promised",
    ),
    "sent where it must be blocked": (
        HISTORY,
        swapped(29, outcome="delivered", final="delivered"),
        "blocked, or not, without reason",
    ),
    "blocked where it may go": (
        HISTORY,
        swapped(26, outcome="blocked", final="blocked"),
        "blocked, or not, without reason",
    ),
    "sent elsewhere": (
        HISTORY,
        swapped(26, address="127.0.0.1"),
        "an attempt at a forbidden address",
    ),
    "a delay that is too short": (
        HISTORY,
        swapped(15, next_attempt_at=at(2.1)),
        "promised for another time",
    ),
    "a delay that is too long": (
        HISTORY,
        swapped(15, next_attempt_at=at(2.5)),
        "promised for another time",
    ),
    "a delivery that did not arrive": (
        lost("e2", "hook"),
        evidence(),
        "delivered, and not received",
    ),
    "a request that nobody knows of": (
        received(came("e2", "hook", 9, 2)),
        evidence(),
        "received, and not recorded",
    ),
    "sent twice": (received(came("e2", "hook", 2.18)), evidence(), "received twice"),
    "sent again long before the fault": (
        received(came("e2", "hook", 30)),
        evidence(),
        "received twice",
    ),
    "kept waiting": (
        HISTORY,
        swapped(26, started_at=at(13), ended_at=at(13.1), stored_at=at(13.2)),
        "an endpoint that is well waited",
    ),
    "another body": (
        received(came("e2", "hook", 2.12, is_answered=False, is_right=False)),
        evidence(),
        "another body or signature",
    ),
    "to whom it was not for": (
        received(came("e3", "core", 3.2)),
        evidence(),
        "received, and not planned",
    ),
    "received out of order": (
        replace(
            HISTORY,
            receipts=tuple(
                replace(one, at=at(1.12)) if one is RECEIPTS[4] else one for one in RECEIPTS
            ),
        ),
        evidence(),
        "received out of order",
    ),
    "begun too early": (
        HISTORY,
        swapped(16, ended_at=at(2.5), stored_at=at(2.6)),
        "begun before the one before it was over",
    ),
    "not in the view": (
        HISTORY,
        evidence(shown=shown_of(RECORDS)[1:]),
        "a delivery is not in both, records and view",
    ),
    "another state in the view": (
        HISTORY,
        evidence(shown=(replace(shown_of(RECORDS)[0], state="dead"), *shown_of(RECORDS)[1:])),
        "view and records differ",
    ),
    "an attempt that the view lacks": (
        HISTORY,
        evidence(attempts=attempts_of(RECORDS[:-1])),
        "an attempt is not in both, records and view",
    ),
    "the index has what is over": (
        HISTORY,
        evidence(waiting=frozenset({("e2", "hook")})),
        "index and records differ",
    ),
}


@pytest.mark.parametrize(("history", "found", "rule"), WRONG.values(), ids=WRONG.keys())
def test_each_violation_is_caught(
    history: DeliveryHistory, found: DeliveryEvidence, rule: str
) -> None:
    assert rule in rules(history, found)


def test_every_rule_of_the_checker_is_among_those_shown() -> None:
    """So that no rule can rot unseen."""
    reported = re.findall(r'_report\(\s*"([^"]+)"', inspect.getsource(delivery_checker))
    assert set(reported) == {rule for _, _, rule in WRONG.values()}
