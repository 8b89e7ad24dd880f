"""Metrics of the plumbing, in Prometheus' default registry; served by ``health`` at /metrics.

Labels are names fixed in code (a stream, a loop), never user text, so their number is bounded.
``docs/metrics.md`` is made of what is registered here and in each service's ``meter``.
"""

import importlib.metadata
from datetime import timedelta

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from trigger_contracts.schema_versions import SCHEMA_VERSIONS

from .sampled import SampledGauge

# A twin of each counter and histogram, with the instant at which it began: a third of all series.
disable_created_metrics()  # type: ignore[no-untyped-call]

LOOKED_AT_FOR = timedelta(seconds=15)
"""What is looked at each second or each five is known for so long."""

BUILD = Gauge(
    "etp_build_info",
    "1; which version runs, with which time zones, made for which versions of schemas.",
    ["service", "version", "tzdata", "schema"],
)
EVENT_LOOP_LAG = Gauge(
    "etp_event_loop_lag_seconds",
    "How late the event loop ran what was due, at worst in the last half minute.",
)
READY_CHECK = SampledGauge(
    "etp_ready_check",
    "1 where a check of /ready passed when it was last made, else 0.",
    ["check"],
    good_for=LOOKED_AT_FOR,
)
LOOP_FAILURES = Counter("etp_loop_failures_total", "Passes of a loop that raised.", ["loop"])
HANDLER_FAILURES = Counter(
    "etp_handler_failures_total",
    "Batches whose handler raised; they come again.",
    ["consumer"],
)
CONSUMED = Counter("etp_messages_consumed_total", "Messages handed to handlers.", ["consumer"])
BATCH_SIZE = Histogram(
    "etp_consumed_batch_messages",
    "Messages in a batch handed to a handler.",
    ["consumer"],
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000),
)
PUBLISHED = Counter("etp_messages_published_total", "Messages the broker acknowledged.", ["stream"])
PUBLISH_BATCHES = Counter(
    "etp_publish_batches_total", "Writes to the broker, a batch or a single message.", ["stream"]
)
PUBLISH_FAILURES = Counter(
    "etp_publish_failures_total", "Writes that failed, by kind.", ["stream", "kind"]
)
PUBLISH_SECONDS = Histogram(
    "etp_publish_seconds",
    "From a write to its acknowledgement.",
    ["stream"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5),
)
BROKER_CONNECTED = Gauge("etp_broker_connected", "1 while the broker connection stands.")
DEAD_LETTERS = Counter(
    "etp_dead_letters_total", "Messages that could not be handled, by their stream.", ["stream"]
)
REDRIVES = Counter("etp_redrives_total", "Dead letters handled again, by outcome.", ["outcome"])
UNHEARD = Counter(
    "etp_messages_unheard_total", "Messages that could not be taken as they were read."
)
UNREADABLE_RECORDS = Counter(
    "etp_records_unreadable_total", "Stored records passed over: they cannot be read.", ["stream"]
)
PASSED_OVER = Counter(
    "etp_messages_passed_over_total",
    "Messages of a kind that is for others, by who met them.",
    ["consumer"],
)
MALFORMED = Counter(
    "etp_messages_malformed_total", "Messages with a header block that cannot be read."
)
HTTP_REFUSED = Counter(
    "etp_http_refused_total",
    "Connections that were ended, and requests that were none, by reason.",
    ["reason"],
)
TRACE_SPANS = Counter(
    "etp_trace_spans_total",
    "Spans of traces, by what became of them: exported, dropped (no place, or a stop) or failed.",
    ["result"],
)


def tell_build(service: str, *schemas: str) -> None:
    """Which build this process is, and for which versions of the schemas that it uses."""
    BUILD.labels(
        service,
        importlib.metadata.version("event-trigger-platform"),
        importlib.metadata.version("tzdata"),
        ", ".join(f"{schema} {SCHEMA_VERSIONS[schema]}" for schema in schemas),
    ).set(1)
