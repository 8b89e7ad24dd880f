"""Metrics of a process's connections to PostgreSQL, by the pool's fixed name."""

from collections.abc import Callable

from prometheus_client import Gauge, Histogram

POOL_SIZE = Gauge("etp_pool_size", "Most connections to PostgreSQL that a pool may have.", ["pool"])
POOL_IN_USE = Gauge("etp_pool_in_use", "Connections to PostgreSQL that are in use.", ["pool"])
POOL_WAIT = Histogram(
    "etp_pool_wait_seconds",
    "From asking a pool for a connection to having it, or to giving up.",
    ["pool"],
    buckets=(0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def watch_pool(pool: str, size: int, in_use: Callable[[], int]) -> Histogram:
    """Tell of a pool; ``in_use`` is asked at each scrape. Returns what its waits are told to."""
    POOL_SIZE.labels(pool).set(size)
    POOL_IN_USE.labels(pool).set_function(in_use)
    return POOL_WAIT.labels(pool)
