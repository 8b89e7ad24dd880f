"""Decides from a recorded history whether the platform kept its promises through the faults.

Pure. ``History`` is what clients did and were told, on one clock; ``Evidence`` is what the logs
and tables hold afterwards. ``violations`` compares them and trusts neither the platform's own
schedule arithmetic nor its views. A client's outcome that is not known may have happened or not,
once. Called by the chaos tests, which poll it until what is owed has arrived.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal


class Outcome(StrEnum):
    """What a client was told."""

    OK = "ok"
    """It has happened."""
    STORED = "stored"
    """It is stored and will happen: a 202, or the stream's acknowledgement."""
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """A 503, a timeout, a broken connection: it may have happened."""


@dataclass(frozen=True, slots=True)
class Times:
    """When a definition says that it fires."""

    first: datetime
    every: timedelta | None = None
    last: datetime | None = None

    def __iter__(self) -> Iterator[datetime]:
        if self.every is None:
            yield self.first
            return
        assert self.last is not None, "the load makes no endless intervals"
        occurrence = self.first
        while occurrence <= self.last:
            yield occurrence
            occurrence += self.every


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a client asked for.

    ``name`` tells the trigger apart where the answer with its id was lost; ``marker`` stands in
    the payload that was sent, and so in whatever came of it.
    """

    kind: Literal["create", "update", "delete", "fire"]
    name: str
    invoked_at: datetime
    settled_at: datetime
    outcome: Outcome
    marker: str = ""
    trigger_id: str | None = None
    version: int | None = None
    times: Times | None = None
    """Of a create or update of a scheduled trigger."""
    key: str | None = None
    event_id: str | None = None
    by_nats: bool = False
    may_be_refused: bool = False
    """Stored, it may still be refused for good reason when its turn comes."""

    @property
    def promised(self) -> bool:
        return self.outcome in {Outcome.OK, Outcome.STORED}


@dataclass(frozen=True, slots=True)
class Change:
    """A message of TRIGGER_CHANGES."""

    seq: int
    stored_at: datetime
    trigger_id: str
    name: str
    kind: str
    version: int
    marker: str


@dataclass(frozen=True, slots=True)
class Record:
    """A message of TRIGGER_DUE."""

    seq: int
    stored_at: datetime
    trigger_id: str
    kind: str
    version: int
    scheduled_for: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the log's table."""

    event_id: str
    trigger_id: str
    version: int
    status: str
    scheduled_for: datetime | None
    fired_at: datetime | None
    logged_at: datetime
    marker: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A row of the table of triggers: what the index takes for the newest."""

    trigger_id: str
    change_seq: int


@dataclass(frozen=True, slots=True)
class Evidence:
    changes: tuple[Change, ...] = ()
    records: tuple[Record, ...] = ()
    rows: tuple[Row, ...] = ()
    event_ids: frozenset[str] = frozenset()
    """Of the messages of TRIGGER_EVENTS."""
    standings: tuple[Standing, ...] = ()
    dead_letters: int = 0


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    about: str


def violations(
    history: Iterable[Operation], evidence: Evidence, *, grace: timedelta
) -> list[Violation]:
    """Everything that is wrong; nothing, if every promise was kept."""
    return _Check(tuple(history), evidence, grace).run()


@dataclass(slots=True)
class _Version:
    """One version of a trigger: the change, and the operation that asked for it."""

    change: Change
    operation: Operation
    times: Times | None
    """What it fires at: its own, or those of the version before it."""
    next: "_Version | None" = None

    fenced_at: datetime | None = None
    """When its fence was stored: until then the version before it may go on firing."""

    @property
    def from_at_most(self) -> datetime:
        """From here on the version was certainly the trigger's."""
        if self.operation.kind == "create":
            # By REST the gateway's instant counts, by NATS the one at which workers got to see it.
            told = self.operation.promised and not self.operation.by_nats
            return min([self.change.stored_at, *([self.operation.settled_at] if told else [])])
        return self.effective_at or datetime.max.replace(tzinfo=UTC)

    @property
    def effective_at(self) -> datetime | None:
        """From here on, at the latest, nothing of the version before it may come due."""
        known = [self.fenced_at] if self.fenced_at else []
        if self.operation.outcome is Outcome.OK:
            known.append(self.operation.settled_at)
        return min(known, default=None)

    @property
    def rescheduled(self) -> "_Version | None":
        """The version, if any, with which its times ended."""
        following = self.next
        while following is not None and following.times == self.times:
            following = following.next
        return following


@dataclass
class _Check:
    history: tuple[Operation, ...]
    evidence: Evidence
    grace: timedelta
    found: list[Violation] = field(default_factory=list)
    versions: dict[tuple[str, int], _Version] = field(default_factory=dict)
    """By trigger id and version."""

    def run(self) -> list[Violation]:
        self._changes()
        self._acknowledged()
        self._records()
        self._rows()
        self._owed()
        self._fires()
        self._projections()
        return self.found

    def _report(self, rule: str, about: object) -> None:
        self.found.append(Violation(rule, str(about)))

    def _changes(self) -> None:
        """Versions count up by one; each command was applied once; nothing came from nowhere."""
        asked = {o.marker: o for o in self.history if o.kind in {"create", "update"}}
        deletes = {o.name: o for o in self.history if o.kind == "delete"}
        newest: dict[str, _Version] = {}
        applied: Counter[str] = Counter()
        for change in sorted(self.evidence.changes, key=lambda c: c.seq):
            before = newest.get(change.trigger_id)
            grows = 0 if change.kind == "completed" else 1
            if change.version != (before.change.version if before else 0) + grows:
                self._report("versions count up by one", change)
            if change.kind == "completed":
                continue
            operation = (
                deletes.get(change.name) if change.kind == "deleted" else asked.get(change.marker)
            )
            if operation is None:
                self._report("a change that nobody asked for", change)
                continue
            if change.kind != "deleted":
                applied[change.marker] += 1
            if operation.outcome is Outcome.REFUSED:
                self._report("a refused command was applied", (operation, change))
            if before is not None and before.operation.invoked_at > operation.settled_at:
                self._report("commands were applied out of order", change)
            times = operation.times or (before.times if before else None)
            version = _Version(change, operation, times if change.kind != "deleted" else None)
            if before is not None:
                before.next = version
            newest[change.trigger_id] = version
            self.versions[change.trigger_id, change.version] = version
        for marker, count in applied.items():
            if count > 1:
                self._report("a command was applied twice", (marker, count))

    def _acknowledged(self) -> None:
        """Whatever was acknowledged is in the log of changes, as it was acknowledged."""
        of_operation = {id(v.operation): v.change for v in self.versions.values()}
        for operation in self.history:
            if operation.kind == "fire" or not operation.promised:
                continue
            change = of_operation.get(id(operation))
            if change is None:
                if not operation.may_be_refused:
                    self._report("an acknowledged command is lost", operation)
            elif operation.version not in {None, change.version} or operation.trigger_id not in {
                None,
                change.trigger_id,
            }:
                self._report("a command was acknowledged as another", (operation, change))

    def _records(self) -> None:
        """The fence: nothing of an old version after a newer one's, or its acknowledgement."""
        newest: dict[str, int] = defaultdict(int)
        fences: dict[str, set[int]] = defaultdict(set)
        decided: set[tuple[str, datetime]] = set()
        for record in sorted(self.evidence.records, key=lambda r: r.seq):
            if record.version < newest[record.trigger_id]:
                self._report("a record of an old version behind a fence", record)
            newest[record.trigger_id] = max(newest[record.trigger_id], record.version)
            version = self.versions.get((record.trigger_id, record.version))
            if record.kind == "fence":
                fences[record.trigger_id].add(record.version)
                if version is not None and version.fenced_at is None:
                    version.fenced_at = record.stored_at
                continue
            if record.scheduled_for is not None:
                if (record.trigger_id, record.scheduled_for) in decided:
                    self._report("an occurrence was due twice", record)
                decided.add((record.trigger_id, record.scheduled_for))
            following = version.next if version else None
            if (
                following is not None
                and following.operation.outcome is Outcome.OK
                and record.stored_at > following.operation.settled_at
            ):
                self._report("due after an acknowledged edit or delete", (record, following))
        for (trigger_id, number), version in self.versions.items():
            before = self.versions.get((trigger_id, number - 1))
            if (
                before is not None
                and before.times is not None
                and version.operation.outcome is Outcome.OK
                and number not in fences[trigger_id]
            ):
                self._report("an acknowledged change without its fence", version.change)

    def _rows(self) -> None:
        """Every row of a schedule is an occurrence of a version that could fire it then."""
        seen: Counter[tuple[str, datetime]] = Counter()
        for event_id, count in Counter(row.event_id for row in self.evidence.rows).items():
            if count > 1:
                self._report("an event id twice", event_id)
        for row in self.evidence.rows:
            if row.scheduled_for is None:
                continue
            seen[row.trigger_id, row.scheduled_for] += 1
            version = self.versions.get((row.trigger_id, row.version))
            if version is None or version.times is None:
                self._report("a row of no version", row)
                continue
            if row.scheduled_for not in set(version.times):
                self._report("a row of no occurrence", row)
            if row.scheduled_for <= version.operation.invoked_at:
                self._report("an occurrence before its version", row)
            until = version.next.effective_at if version.next else None
            if until is not None and row.scheduled_for > until:
                self._report("an occurrence after its version", row)
            if row.status == "fired":
                if row.fired_at is None or row.fired_at < row.scheduled_for:
                    self._report("fired early", row)
                if row.marker != version.change.marker:
                    self._report("fired with another version's payload", row)
            elif row.status != "missed" or row.logged_at - row.scheduled_for <= self.grace:
                self._report("not fired without reason", row)
            elif version.times.every is None:
                self._report("a single occurrence was missed", row)
        for occurrence, count in seen.items():
            if count > 1:
                self._report("an occurrence twice", (occurrence, count))

    def _owed(self) -> None:
        """Every occurrence of a version that was certainly the trigger's has its row."""
        there = {(row.trigger_id, row.scheduled_for) for row in self.evidence.rows}
        for (trigger_id, _), version in self.versions.items():
            for occurrence in version.times or ():
                single = version.operation.kind == "create" and version.times.every is None
                begun = single or occurrence > version.from_at_most
                ended = version.rescheduled
                over = ended is not None and occurrence >= ended.operation.invoked_at
                if begun and not over and (trigger_id, occurrence) not in there:
                    self._report("an occurrence is missing", (trigger_id, occurrence, version))

    def _fires(self) -> None:
        """Accepted fires have one row, whoever retried them; refused ones none."""
        rows = {row.event_id: row for row in self.evidence.rows if row.scheduled_for is None}
        by_marker: dict[str, list[Row]] = defaultdict(list)
        for row in rows.values():
            if row.status == "fired":
                by_marker[row.marker].append(row)
        deletes = {o.name: o for o in self.history if o.kind == "delete"}
        fires = [o for o in self.history if o.kind == "fire"]
        by_request: dict[str, list[Operation]] = defaultdict(list)
        for fire in fires:
            by_request[fire.marker].append(fire)
        for marker, attempts in by_request.items():
            event_ids = {fire.event_id for fire in attempts if fire.event_id}
            if len(event_ids) > 1:
                self._report("one key, several events", (marker, event_ids))
            fired = by_marker[marker]
            if len(fired) > 1:
                self._report("a fire twice", fired)
            if fired and all(fire.outcome is Outcome.REFUSED for fire in attempts):
                self._report("a refused fire fired", fired)
            if fired and event_ids - {fired[0].event_id}:
                self._report("a fire under another id than it was told", (event_ids, fired))
            for row in fired:
                if row.fired_at is None or row.fired_at < min(
                    fire.invoked_at for fire in attempts
                ) - timedelta(milliseconds=1):
                    self._report("a fire before it was asked for", row)
            delete = deletes.get(attempts[0].name)
            for fire in attempts:
                if not fire.promised or fired:
                    continue
                # Deleted before it was recorded, an accepted fire ends rejected. One that only
                # the stream has acknowledged may have come after the delete.
                late = delete is not None and fire.settled_at >= delete.invoked_at
                if delete is None or (fire.event_id not in rows if fire.event_id else not late):
                    self._report("an accepted fire is lost", fire)
            deleted = delete is not None and delete.outcome is Outcome.OK
            if deleted and fired and all(f.invoked_at > delete.settled_at for f in attempts):
                self._report("a fire after the acknowledged delete", fired)
        for marker, fired in by_marker.items():
            if marker not in by_request:
                self._report("a fire that nobody asked for", fired)

    def _projections(self) -> None:
        """Tables hold what the streams hold; nothing could not be handled."""
        logged = {row.event_id for row in self.evidence.rows}
        for event_id in logged ^ self.evidence.event_ids:
            where = "the table" if event_id in logged else "the stream"
            self._report("table and stream differ", f"{event_id} only in {where}")
        newest: dict[str, int] = {}
        for change in self.evidence.changes:
            newest[change.trigger_id] = max(newest.get(change.trigger_id, 0), change.seq)
        standing = {one.trigger_id: one.change_seq for one in self.evidence.standings}
        for trigger_id in newest.keys() | standing.keys():
            if newest.get(trigger_id) != standing.get(trigger_id):
                self._report("index and stream differ", trigger_id)
        if self.evidence.dead_letters:
            self._report("dead letters", self.evidence.dead_letters)
