"""Versions are read once, in one request, and kept within bounds."""

from tests.unit.executor.factories import NOON, make_change
from trigger_contracts import subjects
from trigger_executor.adapters.definitions import ChangeReader
from trigger_runtime.jetstream.reader import StoredMessage


class Stored:
    """A stream of changes; ``reads`` are the requests it got."""

    def __init__(self, *changes):
        self.messages = {
            seq: StoredMessage(
                subjects.changed(change.trigger_id),
                seq,
                NOON,
                change.model_dump_json().encode(),
                {},
            )
            for seq, change in enumerate(changes, 1)
        }
        self.hidden = set()
        self.reads = []

    def _newest(self, subject):
        found = [m for m in self.messages.values() if m.subject == subject]
        return found[-1] if found else None

    async def last_many(self, wanted):
        self.reads.append(("last_many", len(wanted)))
        newest = {subject: self._newest(subject) for subject in wanted}
        return {s: m for s, m in newest.items() if m is not None and m.seq not in self.hidden}

    async def get(self, seq):
        self.reads.append(("get", seq))
        return None if seq in self.hidden else self.messages.get(seq)

    async def last_from_leader(self, subject):
        self.reads.append(("leader", subject))
        return self._newest(subject)


async def test_versions_are_read_in_one_request_and_kept():
    stored = Stored(make_change("t1"), make_change("t2"))
    log = ChangeReader(stored, max_bytes=100_000)

    first = await log.versions({1: "t1", 2: "t2"})
    again = await log.versions({1: "t1", 2: "t2"})

    assert {seq: version.trigger_id for seq, version in first.items()} == {1: "t1", 2: "t2"}
    assert again == first
    assert stored.reads == [("last_many", 2)]


async def test_an_older_version_is_read_by_its_sequence():
    stored = Stored(make_change(payload="old"), make_change(payload="new", version=2))
    log = ChangeReader(stored, max_bytes=100_000)

    versions = await log.versions({1: "t1"})

    assert versions[1].payload == "old"
    assert stored.reads == [("last_many", 1), ("get", 1)]


async def test_what_a_replica_does_not_have_yet_the_leader_is_asked_for():
    stored = Stored(make_change())
    stored.hidden.add(1)
    log = ChangeReader(stored, max_bytes=100_000)

    assert set(await log.versions({1: "t1"})) == {1}


async def test_an_erased_version_is_absent():
    assert await ChangeReader(Stored(), max_bytes=100_000).versions({1: "t1"}) == {}


async def test_large_payloads_push_out_the_versions_used_longest_ago():
    stored = Stored(*(make_change(f"t{n}", payload="x" * 10_000) for n in range(1, 6)))
    log = ChangeReader(stored, max_bytes=25_000)

    for seq in (1, 2, 1, 3, 1):
        await log.versions({seq: f"t{seq}"})

    # 1 was in use all the time, 2 had to go for 3.
    assert len(stored.reads) == 3
    await log.versions({2: "t2"})
    assert len(stored.reads) == 4


async def test_a_trigger_is_read_as_it_stands_and_as_it_stood():
    stored = Stored(make_change(payload="old"), make_change("t2"), make_change(version=2))
    log = ChangeReader(stored, max_bytes=100_000)

    current = await log.current(["t1", "nobody"])
    first = await log.at("t1", 1)

    assert {t: (found.change.version, found.change_seq) for t, found in current.items()} == {
        "t1": (2, 3)
    }
    assert first is not None
    assert (first.change.definition.payload, first.change_seq) == ("old", 1)
    # Another trigger's, as in a stream that was made anew; and none at all.
    assert await log.at("t1", 2) is None
    assert await log.at("t1", 9) is None
