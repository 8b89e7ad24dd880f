"""The checker itself: a history that is right passes, and each way to be wrong is caught."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.checker import (
    Change,
    Evidence,
    Operation,
    Outcome,
    Record,
    Row,
    Standing,
    Times,
    violations,
)

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
GRACE = timedelta(seconds=30)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def times(first: float, last: float, every: float = 1) -> Times:
    return Times(at(first), timedelta(seconds=every), at(last))


def asked(kind: str, name: str, seconds: float, **fields: object) -> Operation:
    """An operation that took 100 ms and was answered with success."""
    given = {
        "invoked_at": at(seconds),
        "settled_at": at(seconds + 0.1),
        "outcome": Outcome.OK,
        **fields,
    }
    return Operation(kind, name, **given)  # type: ignore[arg-type]


CREATE = asked("create", "often", 0, marker="a", trigger_id="t", version=1, times=times(1, 6))
EDIT = asked("update", "often", 3.5, marker="b", trigger_id="t", version=2, times=times(1, 6, 2))
DELETE = asked("delete", "often", 5.5, trigger_id="t")
ONCE = asked("create", "once", 0, marker="o", trigger_id="u", version=1, times=Times(at(2)))
API = asked("create", "api", 0, marker="p", trigger_id="x", version=1)
FIRE = asked("fire", "api", 1, marker="f", trigger_id="x", event_id="fire")
KEYED = asked("fire", "api", 2, marker="k", trigger_id="x", key="k", event_id="keyed")
RETRY = replace(KEYED, invoked_at=at(3), settled_at=at(3.1))
HISTORY = (CREATE, EDIT, DELETE, ONCE, API, FIRE, KEYED, RETRY)


def change(seq: int, seconds: float, trigger_id: str, name: str, kind: str, version: int, marker):
    return Change(seq, at(seconds), trigger_id, name, kind, version, marker)


def due(seq: int, trigger_id: str, version: int, seconds: float) -> Record:
    return Record(seq, at(seconds + 0.01), trigger_id, "due", version, at(seconds))


def fence(seq: int, trigger_id: str, version: int, seconds: float) -> Record:
    return Record(seq, at(seconds), trigger_id, "fence", version)


def fired(event_id: str, trigger_id: str, version: int, seconds: float, marker: str) -> Row:
    later = at(seconds + 0.01)
    return Row(event_id, trigger_id, version, "fired", at(seconds), later, later, marker)


def fire_row(event_id: str, seconds: float, marker: str) -> Row:
    return Row(event_id, "x", 1, "fired", None, at(seconds), at(seconds), marker)


ROWS = (
    fired("1", "t", 1, 1, "a"),
    fired("2", "t", 1, 2, "a"),
    fired("3", "t", 1, 3, "a"),
    fired("5", "t", 2, 5, "b"),
    fired("o", "u", 1, 2, "o"),
    fire_row("fire", 1.05, "f"),
    fire_row("keyed", 2.05, "k"),
)
EVIDENCE = Evidence(
    changes=(
        change(1, 0.05, "t", "often", "created", 1, "a"),
        change(2, 0.05, "u", "once", "created", 1, "o"),
        change(3, 0.05, "x", "api", "created", 1, "p"),
        change(4, 3.55, "t", "often", "updated", 2, "b"),
        change(5, 2.1, "u", "once", "completed", 1, "o"),
        change(6, 5.55, "t", "often", "deleted", 3, "b"),
    ),
    records=(
        due(1, "t", 1, 1),
        due(2, "t", 1, 2),
        due(3, "u", 1, 2),
        due(4, "t", 1, 3),
        fence(5, "t", 2, 3.56),
        due(6, "t", 2, 5),
        fence(7, "t", 3, 5.56),
    ),
    rows=ROWS,
    event_ids=frozenset(row.event_id for row in ROWS),
    standings=(Standing("t", 6), Standing("u", 5), Standing("x", 3)),
)


def rules(history: tuple[Operation, ...], evidence: Evidence) -> set[str]:
    return {found.rule for found in violations(history, evidence, grace=GRACE)}


def without(event_id: str) -> Evidence:
    rows = tuple(row for row in ROWS if row.event_id != event_id)
    return replace(EVIDENCE, rows=rows, event_ids=frozenset(row.event_id for row in rows))


def plus(row: Row) -> Evidence:
    return replace(EVIDENCE, rows=(*ROWS, row), event_ids=EVIDENCE.event_ids | {row.event_id})


def swapped(which: str, /, **fields: object) -> Evidence:
    rows = tuple(replace(r, **fields) if r.event_id == which else r for r in ROWS)
    return replace(EVIDENCE, rows=rows)


def test_a_right_history_passes() -> None:
    assert violations(HISTORY, EVIDENCE, grace=GRACE) == []


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.STORED])
@pytest.mark.parametrize("lost", [CREATE, EDIT, DELETE, ONCE, FIRE, KEYED])
def test_an_answer_that_never_came_is_no_violation(lost: Operation, outcome: Outcome) -> None:
    """Whether it happened shows in the logs; both is right."""
    history = tuple(
        replace(one, outcome=outcome, version=None, trigger_id=None) if one is lost else one
        for one in HISTORY
    )
    assert violations(history, EVIDENCE, grace=GRACE) == []


def test_what_is_unknown_may_not_have_happened() -> None:
    """A create, an edit and a fire without any trace."""
    more = (
        asked("create", "new", 1, marker="n", outcome=Outcome.UNKNOWN, times=Times(at(2))),
        asked("update", "once", 1, marker="m", outcome=Outcome.UNKNOWN, times=Times(at(4))),
        asked("fire", "api", 1, marker="g", outcome=Outcome.UNKNOWN),
    )
    assert violations((*HISTORY, *more), EVIDENCE, grace=GRACE) == []


def test_a_missed_occurrence_needs_the_grace_to_have_passed() -> None:
    late = swapped("2", status="missed", fired_at=None, logged_at=at(40))
    assert rules(HISTORY, late) == set()
    early = swapped("2", status="missed", fired_at=None, logged_at=at(20))
    assert rules(HISTORY, early) == {"not fired without reason"}


def test_what_waits_for_its_turn_may_be_created_late_by_nats() -> None:
    """A REST answer names the instant from which it counts; the broker's says that it is kept."""
    stored = replace(CREATE, outcome=Outcome.STORED, version=None, trigger_id=None)
    late = replace(without("1"), changes=(replace(EVIDENCE.changes[0], stored_at=at(1.5)),))
    late = replace(late, changes=(*late.changes, *EVIDENCE.changes[1:]))
    assert rules((replace(stored, by_nats=True), *HISTORY[1:]), late) == set()
    assert rules((stored, *HISTORY[1:]), late) == {"an occurrence is missing"}
    assert rules((replace(stored, by_nats=True), *HISTORY[1:]), without("2")) == {
        "an occurrence is missing"
    }


def test_what_is_stored_and_too_late_may_be_refused_but_not_become_another() -> None:
    late = asked("create", "new", 1, marker="n", outcome=Outcome.STORED, times=Times(at(2)))
    assert rules((*HISTORY, late), EVIDENCE) == {"an acknowledged command is lost"}
    assert rules((*HISTORY, replace(late, may_be_refused=True)), EVIDENCE) == set()
    other = replace(EDIT, outcome=Outcome.STORED, version=3, may_be_refused=True)
    assert rules((CREATE, other, *HISTORY[2:]), EVIDENCE) == {
        "a command was acknowledged as another"
    }


def test_an_accepted_fire_of_a_deleted_trigger_may_end_rejected() -> None:
    delete = asked("delete", "api", 1.02, trigger_id="x")
    evidence = replace(
        swapped("fire", status="rejected", fired_at=None),
        changes=(*EVIDENCE.changes, change(7, 1.04, "x", "api", "deleted", 2, "p")),
        standings=(Standing("t", 6), Standing("u", 5), Standing("x", 7)),
    )
    assert rules((CREATE, EDIT, DELETE, ONCE, API, FIRE, delete), evidence) == {
        "a fire that nobody asked for"  # the keyed one, left out of this history
    }


WRONG: dict[str, tuple[tuple[Operation, ...], Evidence, str]] = {
    "an occurrence lost": (HISTORY, without("2"), "an occurrence is missing"),
    "a single occurrence lost": (HISTORY, without("o"), "an occurrence is missing"),
    "an occurrence lost after an edit": (HISTORY, without("5"), "an occurrence is missing"),
    "a fire lost": (HISTORY, without("fire"), "an accepted fire is lost"),
    "a keyed fire lost": (HISTORY, without("keyed"), "an accepted fire is lost"),
    "an occurrence twice": (HISTORY, plus(fired("1x", "t", 1, 1, "a")), "an occurrence twice"),
    "an occurrence twice, of two versions": (
        HISTORY,
        plus(fired("3x", "t", 2, 3, "b")),
        "an occurrence twice",
    ),
    "an id twice": (HISTORY, replace(EVIDENCE, rows=(*ROWS, ROWS[0])), "an event id twice"),
    "a fire twice": (HISTORY, plus(fire_row("again", 1.06, "f")), "a fire twice"),
    "a key with two events": (
        (*HISTORY, replace(RETRY, event_id="other")),
        EVIDENCE,
        "one key, several events",
    ),
    "early": (HISTORY, swapped("2", fired_at=at(1.99)), "fired early"),
    "no occurrence": (HISTORY, plus(fired("y", "t", 1, 1.5, "a")), "a row of no occurrence"),
    "no trigger": (HISTORY, plus(fired("y", "nobody", 1, 1, "a")), "a row of no version"),
    "after a delete": (HISTORY, plus(fired("6", "t", 2, 6, "b")), "a row of no occurrence"),
    "after an edit": (HISTORY, plus(fired("4", "t", 1, 4, "a")), "an occurrence after its version"),
    "before an edit": (
        HISTORY,
        swapped("3", version=2, marker="b"),
        "an occurrence before its version",
    ),
    "another's payload": (
        HISTORY,
        swapped("5", marker="a"),
        "fired with another version's payload",
    ),
    "a single one missed": (
        HISTORY,
        swapped("o", status="missed", fired_at=None, logged_at=at(90)),
        "a single occurrence was missed",
    ),
    "an acknowledged create lost": (
        (*HISTORY, asked("create", "new", 1, marker="n", version=1)),
        EVIDENCE,
        "an acknowledged command is lost",
    ),
    "a stored delete lost": (
        (*HISTORY, asked("delete", "once", 1, outcome=Outcome.STORED)),
        EVIDENCE,
        "an acknowledged command is lost",
    ),
    "acknowledged as another version": (
        (CREATE, replace(EDIT, version=3), *HISTORY[2:]),
        EVIDENCE,
        "a command was acknowledged as another",
    ),
    "a refused edit applied": (
        (CREATE, replace(EDIT, outcome=Outcome.REFUSED), *HISTORY[2:]),
        EVIDENCE,
        "a refused command was applied",
    ),
    "a refused fire fired": (
        tuple(replace(o, outcome=Outcome.REFUSED) if o is FIRE else o for o in HISTORY),
        EVIDENCE,
        "a refused fire fired",
    ),
    "a change from nowhere": (HISTORY[1:], EVIDENCE, "a change that nobody asked for"),
    "a fire from nowhere": (
        tuple(o for o in HISTORY if o is not FIRE),
        EVIDENCE,
        "a fire that nobody asked for",
    ),
    "a command applied twice": (
        HISTORY,
        replace(
            EVIDENCE,
            changes=(*EVIDENCE.changes, change(9, 9, "z", "once", "created", 1, "o")),
            standings=(*EVIDENCE.standings, Standing("z", 9)),
        ),
        "a command was applied twice",
    ),
    "a version left out": (
        HISTORY,
        replace(
            EVIDENCE,
            changes=tuple(
                replace(c, version=4) if c.kind == "deleted" else c for c in EVIDENCE.changes
            ),
        ),
        "versions count up by one",
    ),
    "an old version behind the fence": (
        HISTORY,
        replace(EVIDENCE, records=(*EVIDENCE.records, due(9, "t", 1, 4))),
        "a record of an old version behind a fence",
    ),
    "due after the acknowledgement": (
        HISTORY,
        replace(
            EVIDENCE,
            records=(
                *EVIDENCE.records[:4],
                due(5, "t", 1, 4),
                *(replace(r, seq=r.seq + 1) for r in EVIDENCE.records[4:]),
            ),
        ),
        "due after an acknowledged edit or delete",
    ),
    "no fence": (
        HISTORY,
        replace(EVIDENCE, records=tuple(r for r in EVIDENCE.records if r.kind == "due")),
        "an acknowledged change without its fence",
    ),
    "due twice": (
        HISTORY,
        replace(EVIDENCE, records=(due(0, "t", 1, 1), *EVIDENCE.records)),
        "an occurrence was due twice",
    ),
    "only in the table": (
        HISTORY,
        replace(EVIDENCE, event_ids=EVIDENCE.event_ids - {"fire"}),
        "table and stream differ",
    ),
    "only in the stream": (
        HISTORY,
        replace(EVIDENCE, event_ids=EVIDENCE.event_ids | {"new"}),
        "table and stream differ",
    ),
    "the index behind": (
        HISTORY,
        replace(EVIDENCE, standings=(Standing("t", 4), *EVIDENCE.standings[1:])),
        "index and stream differ",
    ),
    "a dead letter": (HISTORY, replace(EVIDENCE, dead_letters=1), "dead letters"),
    "a fire after the delete": (
        (*HISTORY, asked("delete", "api", 0.5, trigger_id="x")),
        replace(
            EVIDENCE,
            changes=(*EVIDENCE.changes, change(7, 0.55, "x", "api", "deleted", 2, "p")),
        ),
        "a fire after the acknowledged delete",
    ),
    "a fire before its request": (
        HISTORY,
        swapped("fire", fired_at=at(0.9)),
        "a fire before it was asked for",
    ),
    "a fire under another id": (
        HISTORY,
        swapped("fire", event_id="other"),
        "a fire under another id than it was told",
    ),
    "out of order": (
        (
            replace(CREATE, invoked_at=at(4), settled_at=at(4.1)),
            *HISTORY[1:],
        ),
        EVIDENCE,
        "commands were applied out of order",
    ),
}


@pytest.mark.parametrize(("history", "evidence", "rule"), WRONG.values(), ids=WRONG.keys())
def test_each_violation_is_caught(
    history: tuple[Operation, ...], evidence: Evidence, rule: str
) -> None:
    assert rule in rules(history, evidence)


def test_every_rule_of_the_checker_is_among_those_shown() -> None:
    """So that no rule can rot unseen."""
    import inspect
    import re

    from tests.chaos import checker

    reported: Callable[[str], list[str]] = re.compile(r'_report\(\s*"([^"]+)"').findall
    shown = {rule for _, _, rule in WRONG.values()} | {"not fired without reason"}
    assert set(reported(inspect.getsource(checker))) == shown
