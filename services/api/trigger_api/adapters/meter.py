"""The gateway's metrics, ``ports.live_tail.TailMeter`` among them.

Labels are fixed names, never user text.
"""

import functools
import math
from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

from trigger_contracts.topology import EVENTS
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.metrics import PASSED_OVER

log = get_logger(__name__)

_REQUESTS = Counter("etp_http_requests_total", "Requests answered.", ["method", "route", "status"])
_SECONDS = Histogram(
    "etp_http_request_seconds",
    "From a request's headers to the end of its answer.",
    ["route"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_CACHE_ASKED = Counter("etp_cache_requests_total", "Pages looked for in the cache.", ["result"])
cache_hit, cache_miss, cache_away = (
    _CACHE_ASKED.labels(result).inc for result in ("hit", "miss", "away")
)
_ALIVE = Gauge(
    "etp_workers_alive", "Replicas of a worker whose heartbeat this gateway hears.", ["service"]
)
_OLDEST_COMMAND = Gauge(
    "etp_workers_oldest_command_age_seconds",
    "Since when the oldest unanswered command is stored, as the scheduler says; NaN without one.",
)
_READERS = Gauge("etp_stream_readers", "Open streams of the log.")
_DROPPED = Counter("etp_stream_dropped_total", "Streams ended because their reader was too slow.")
_UNREADABLE = Counter(
    "etp_stream_unreadable_total", "Messages left out because they are no events of the log."
)
_PASSED_OVER = PASSED_OVER.labels(f"{EVENTS.name}/live tail")


def answered(method: str, route: str, status: int, seconds: float | None) -> None:
    """A request was; ``seconds`` is None for an answer that was never meant to end."""
    _answered(method, route, status).inc()
    if seconds is not None:
        _timer(route).observe(seconds)


@functools.cache
def _answered(method: str, route: str, status: int) -> Counter:
    """Looked up by its labels once: that takes five times as long as counting."""
    return _REQUESTS.labels(method, route, str(status))


@functools.cache
def _timer(route: str) -> Histogram:
    return _SECONDS.labels(route)


def alive(service: str, count: Callable[[], int | None]) -> None:
    """``count`` is asked at each scrape; of None nothing is told (NaN)."""

    def told() -> float:
        found = count()
        return math.nan if found is None else found

    _ALIVE.labels(service).set_function(told)


def oldest_command(age_s: Callable[[], float | None]) -> None:
    """``age_s`` is asked at each scrape."""

    def told() -> float:
        found = age_s()
        return math.nan if found is None else found

    _OLDEST_COMMAND.set_function(told)


def reading(readers: int) -> None:
    """So many follow the log."""
    _READERS.set(readers)


def dropped() -> None:
    """A reader of the log was ended because it was too slow."""
    _DROPPED.inc()


def passed_over() -> None:
    """A message for others lay between the events."""
    _PASSED_OVER.inc()


def unreadable(seq: int) -> None:
    """What is stored there is no event of the log: it is named by its place alone."""
    _UNREADABLE.inc()
    log.warning("a message of the log is no event", stream=EVENTS.name, stream_seq=seq)
