"""Charts of the log: counts by status and quantiles of lateness, per bucket of time.

Pure. Lateness comes in steps of 10 % (retention's ``lateness_step``): step n holds 1.1^n to
1.1^(n+1) microseconds, and its middle stands for it, so a quantile is within 5 % of the truth.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from trigger_api.domain.log.lifetimes import Lifetimes
from trigger_api.domain.queries import LogFilter
from trigger_contracts.errors import Code, refused
from trigger_contracts.events import EntryStatus

MAX_BUCKETS = 1000
"""A chart wider than that is wider than a screen."""
SHOWN_BUCKETS = 60
"""About as many where no bucket is asked for."""

Width = Literal["1m", "5m", "15m", "1h", "6h", "1d"]
WIDTHS: Mapping[Width, timedelta] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = 1.1


class StatsQuery(LogFilter):
    """GET /events/stats"""

    bucket: Width | None = Field(
        default=None, description="Width of a bucket. Not given: such that there are about 60."
    )


class Counted(NamedTuple):
    """The rows of a bucket that have this status: so many (``rows``) of each step of lateness.

    Side by side, since there are thousands; the step is None for what has no lateness.
    """

    bucket: datetime
    status: str
    lateness_steps: Sequence[int | None]
    rows: Sequence[int]


class Lateness(BaseModel):
    """Seconds from when events were scheduled to when they fired, within 5 %."""

    model_config = ConfigDict(frozen=True)

    p50: float
    p90: float
    p99: float


class Sums(BaseModel):
    """What was logged: rows by status, and how late the fired ones were."""

    model_config = ConfigDict(frozen=True)

    total: int
    counts: dict[EntryStatus, int]
    lateness: Lateness | None = Field(
        description="Of scheduled events that fired; null where there are none."
    )


class TimeBucket(Sums):
    """One bar of the chart: from ``from`` on, for the width of a bucket."""

    from_: AwareDatetime = Field(serialization_alias="from")


class Stats(Sums):
    """The whole chart, and each of its buckets, the oldest first; empty ones are there too."""

    from_: AwareDatetime = Field(serialization_alias="from")
    to: AwareDatetime
    bucket: Width
    buckets: tuple[TimeBucket, ...]


class Chart(NamedTuple):
    """Which buckets a chart has: of ``width``, from the one ``since`` is in up to ``to``."""

    since: datetime
    to: datetime
    bucket: Width

    @property
    def width(self) -> timedelta:
        return WIDTHS[self.bucket]

    @classmethod
    def of(cls, query: StatsQuery, now: datetime, lifetimes: Lifetimes) -> Self:
        """The chart that ``query`` asks for; raises ``Refused`` for too many buckets.

        It begins with the log, and where one life of it is meant, with that.
        """
        to = min(query.to or now, now)
        first = lifetimes.span(None, now).after
        begins = query.from_ or lifetimes.span(query.life, now).after
        since = min(max(begins, first), to)
        span = to - since
        bucket = query.bucket or _fitting(span)
        if span > (MAX_BUCKETS - 1) * WIDTHS[bucket]:
            detail = f"makes more than {MAX_BUCKETS} buckets: take a wider one, or a shorter range"
            raise refused(Code.INVALID, detail, pointer="/query/bucket")
        return cls(since, to, bucket)

    def begins(self) -> list[datetime]:
        """When each bucket begins: whole widths since 1970."""
        first = (self.since - _EPOCH) // self.width
        after = -((_EPOCH - self.to) // self.width)
        return [_EPOCH + n * self.width for n in range(first, max(after, first + 1))]


def _fitting(span: timedelta) -> Width:
    for name, width in WIDTHS.items():
        if span <= SHOWN_BUCKETS * width:
            return name
    return "1d"


def summed(chart: Chart, counted: Iterable[Counted]) -> Stats:
    """The chart filled with what was counted; a row outside of its buckets cannot be."""
    of_bucket: dict[datetime, list[Counted]] = {begin: [] for begin in chart.begins()}
    everything: list[Counted] = []
    for one in counted:
        of_bucket.setdefault(one.bucket, []).append(one)
        everything.append(one)
    return Stats(
        **_sums(everything),
        from_=chart.since,
        to=chart.to,
        bucket=chart.bucket,
        buckets=tuple(
            TimeBucket(from_=begin, **_sums(found)) for begin, found in sorted(of_bucket.items())
        ),
    )


def _sums(found: Iterable[Counted]) -> dict[str, object]:
    counts = dict.fromkeys(EntryStatus, 0)
    steps: dict[int, int] = defaultdict(int)
    for one in found:
        counts[EntryStatus(one.status)] += sum(one.rows)
        for step, rows in zip(one.lateness_steps, one.rows, strict=True):
            if step is not None:
                steps[step] += rows
    return {"total": sum(counts.values()), "counts": counts, "lateness": _quantiles(steps)}


def _quantiles(steps: Mapping[int, int]) -> Lateness | None:
    if not steps:
        return None
    return Lateness(
        p50=_quantile(steps, 0.5), p90=_quantile(steps, 0.9), p99=_quantile(steps, 0.99)
    )


def _quantile(steps: Mapping[int, int], share: float) -> float:
    """The smallest lateness that at least ``share`` of the rows do not exceed."""
    wanted = share * sum(steps.values())
    seen = 0
    for step in sorted(steps):
        seen += steps[step]
        if seen >= wanted:
            break
    return float(f"{_STEP ** (step + 0.5) / 1e6:.3g}")
