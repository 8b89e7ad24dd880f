"""Counters of the plumbing, in Prometheus' default registry; served by ``health`` at /metrics.

Labels are names fixed in code (a stream, a loop), never user text, so their number is bounded.
"""

from prometheus_client import Counter, Gauge, Histogram

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
