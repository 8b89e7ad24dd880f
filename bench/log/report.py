"""What was found out about the log, and how it is told. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.support.figures import Cell, Figure, Result, Spread, Table
from bench.support.usage import Cost
from trigger_api.domain.log.exports import Format

from .closing import Closed
from .expiring import Expired, Step
from .export_load import Exported
from .loading import HOURS
from .query_load import SEVERAL, Latencies
from .questions import Question

PLANS = "log-plans.txt"
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class QueryResult:
    question: Question
    latencies: Latencies


@dataclass(frozen=True, slots=True)
class ComparedQuery(QueryResult):
    bare: Spread
    """Milliseconds of the same statements without a gateway."""


@dataclass(frozen=True, slots=True)
class Arrived:
    events: int
    seconds: float
    behind_s: float
    """From the last publication until every row was there."""
    writer_cpu_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    question: str
    in_short: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    rows: int
    per_second: int
    loaded_s: float
    closed_s: float
    closed: Closed
    asked: Sequence[ComparedQuery]
    other_caches: Mapping[str, Sequence[QueryResult]]
    """By gateways with other caches, the one without any first."""
    taken: Mapping[Format, tuple[Exported, float]]
    """With the seconds of the bare one."""
    expired: Expired
    arrived: Arrived
    caught_up: int
    caught_up_s: float
    open_rows: tuple[int, int]
    """Of the hour that is going on, at the first question and after the last."""
    plans: Sequence[Plan]
    costs: Mapping[str, Cost]


def told(found: Found) -> Result:
    return Result(
        title="the event log",
        did=f"{found.rows:,} rows over {HOURS} hourly partitions, asked while "
        f"{found.per_second:,} events/s are published and projected: by one client, then by "
        f"{SEVERAL}, over keep-alive connections; ms, p50 / p99",
        tables=[Table(_heads(found), [_row(asked, found.other_caches) for asked in found.asked])],
        figures=list(_figures(found)),
        costs=found.costs,
        notes=list(_notes(found)),
        details={"Their plans, in short": "\n\n".join(_short(one) for one in found.plans)},
        files={PLANS: "\n\n".join(_long(one) for one in found.plans) + "\n"},
    )


def _figures(found: Found) -> Iterator[Figure]:
    for form, (taken, bare_s) in found.taken.items():
        yield Figure(
            f"export as {form.upper()}",
            "rows/s",
            taken.rows / taken.seconds,
            taken.rows / bare_s,
            "COPY of the same rows",
        )
        yield Figure(
            f"memory that the gateway gains by it, {form.upper()}", "MiB", taken.memory_growth_mib
        )
    yield Figure(
        f"projection that catches up {found.caught_up:,} events",
        "rows/s",
        found.caught_up / found.caught_up_s,
    )
    yield from _expiry(found.expired)
    yield from _closing(found.closed)


def _heads(found: Found) -> list[str]:
    return [
        "question",
        "statements alone",
        *("the platform: one client", f"{SEVERAL} clients"),
        *(
            head
            for where in found.other_caches
            for head in (f"{where}: one client", f"{SEVERAL} clients")
        ),
        "gateway without a cache ÷ statements, p50",
        "target, p99 without a cache",
    ]


def _row(asked: ComparedQuery, other_caches: Mapping[str, Sequence[QueryResult]]) -> list[Cell]:
    question, latencies, bare = asked.question, asked.latencies, asked.bare
    others = [
        next((one.latencies for one in ones if one.question.name == question.name), None)
        for ones in other_caches.values()
    ]
    uncached = others[0] or latencies
    return [
        question.name,
        _ms(bare),
        *(cell for one in (latencies, *others) for cell in _both(one)),
        uncached.alone.p50 / bare.p50,
        _judged(question.most_ms, uncached.alone.p99),
    ]


def _both(latencies: Latencies | None) -> tuple[Cell, Cell]:
    return (None, None) if latencies is None else (_ms(latencies.alone), _ms(latencies.together))


def _ms(found: Spread) -> Cell:
    return [found.p50, found.p99]


def _judged(most_ms: int | None, p99: float) -> str:
    if most_ms is None:
        return ""
    return f"< {most_ms}" if p99 < most_ms else f"< {most_ms}, **missed**"


def _expiry(expired: Expired) -> Iterator[Figure]:
    dropped, deleted = expired.dropped, (expired.deleted, expired.vacuumed)
    beside = "DELETE + VACUUM"

    def figure(what: str, unit: str, ours: float, bare: float) -> Figure:
        return Figure(f"expiry of an hour of {expired.rows:,} rows{what}", unit, ours, bare, beside)

    yield figure("", "ms", dropped.seconds * 1000, _sum(deleted, "seconds") * 1000)
    yield figure(", WAL", "kB", dropped.wal_bytes / 1000, _sum(deleted, "wal_bytes") / 1000)
    yield figure(
        ", slowest read meanwhile",
        "ms",
        dropped.slowest_read_ms,
        max(step.slowest_read_ms for step in deleted),
    )


def _closing(closed: Closed) -> Iterator[Figure]:
    what = f"closing an hour of {closed.rows:,} rows"
    yield Figure(what, "s", closed.seconds)
    yield Figure(f"{what}, WAL", "MB", closed.wal_bytes / 1e6)
    yield Figure(
        f"{what}, indexes added",
        "MiB",
        closed.closing_index_bytes / _MIB,
        (closed.table_bytes + closed.insert_index_bytes) / _MIB,
        "the hour itself, with the indexes of every insert",
    )


def _sum(steps: Sequence[Step], name: str) -> float:
    return float(sum(getattr(step, name) for step in steps))


def _notes(found: Found) -> Iterator[str]:
    first, last = found.open_rows
    yield (
        "*Statements alone*: what the gateway itself sends to PostgreSQL for the question, sent by "
        "asyncpg in a session with the same settings, prepared; right after the gateway."
    )
    yield (
        "The platform's gateway is as it comes: it keeps first pages that are asked for again in "
        "its memory for up to 0.9 s. Questions with few variants (latest, status, source, "
        "lateness, common words) are then answered from there; those by trigger and name are "
        "neither kept nor looked for, for a thousand take turns. Further pages, counts, stats and "
        "single events are kept nowhere. Targets are held against the gateway without a cache, "
        "where a question could be kept."
    )
    yield (
        f"The hour that is going on, which has no index of names, held {first:,} rows at the first "
        f"question and {last:,} after the last."
    )
    arrived = found.arrived
    yield (
        f"{arrived.events:,} events arrived in {arrived.seconds:.0f} s "
        f"({arrived.events / arrived.seconds:,.0f}/s), {arrived.behind_s:.1f} s after the last one "
        f"each was a row exactly once. Their writer used {arrived.writer_cpu_s:.0f} CPU s of the "
        "same cores."
    )
    expired = found.expired
    yield (
        f"DELETE took {expired.deleted.seconds * 1000:,.0f} ms, VACUUM "
        f"{expired.vacuumed.seconds * 1000:,.0f} ms. Both hours were closed, and written out by a "
        "checkpoint before."
    )
    yield (
        f"The rows were put there by SQL in {found.loaded_s:.0f} s, as retention writes them; "
        f"closing all hours, two at a time, took {found.closed_s:.0f} s. Of what closing adds, "
        f"{found.closed.words_bytes / _MIB:.0f} MiB are the index of words. An hour's sums are "
        f"{found.closed.summary_rows:,} rows."
    )
    for form, (taken, _) in found.taken.items():
        yield (
            f"Export as {form.upper()}: {taken.rows:,} rows, {taken.mib:,.0f} MiB in "
            f"{taken.seconds:.1f} s, {taken.gateway_cpu_s * 1e6 / taken.rows:.1f} µs of the "
            "gateway's CPU a row."
        )
    yield (
        "No plan reads a closed partition from end to end: the run fails otherwise. In full they "
        f"are in [results/{PLANS}](results/{PLANS})."
    )
    yield "CPU and memory are those of the questions, without the bare ones."
    everywhere = {"": found.asked, **found.other_caches}
    for where, ones in everywhere.items():
        for one in ones:
            if one.latencies.refused:
                yield (
                    f"**Too slow**: {one.question.name}{where and f', {where}'}: "
                    f"{one.latencies.refused} of {one.latencies.answers} answers were 503."
                )


def _short(plan: Plan) -> str:
    return f"{plan.question}: {plan.in_short}"


def _long(plan: Plan) -> str:
    return f"-- {plan.question}\n{plan.text}"
