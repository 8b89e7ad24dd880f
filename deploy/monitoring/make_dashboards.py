"""Writes the Grafana dashboards in ``grafana/dashboards`` from the tables below.

Run it after a change here: ``.venv/bin/python -m deploy.monitoring.make_dashboards``. A test fails
while a file is stale, or while an expression names a metric that no service tells. Two pages: what
the platform does for its users, and what its processes are busy with.
"""

from pathlib import Path

from deploy.monitoring.pages import RATE, Dashboard, Panel, quantiles, rates, text_of, told

FOLDER = Path(__file__).with_name("grafana") / "dashboards"

JOBS = 'job=~"etp-.+"'


PLATFORM = Dashboard(
    "etp-platform",
    "Event Trigger Platform",
    {
        "At a glance": (
            Panel("Replicas that answer", "short", told(f"sum by (job) (up{{{JOBS}}})", "{{job}}")),
            Panel(
                "Triggers",
                "short",
                told("max by (type) (etp_triggers)", "{{type}}"),
                "Active ones; of many, the types' shares are estimated.",
            ),
            Panel("Rows of the log", "short", told("max(etp_log_rows)", "rows")),
        ),
        "What waits, and since when": (
            Panel(
                "Oldest due occurrence",
                "s",
                told("max(etp_due_oldest_seconds)", "oldest"),
                "Only what can be claimed: a trigger that cannot be planned is counted below.",
                limit=30,
            ),
            Panel("Due and not published", "short", told("max(etp_due_backlog)", "occurrences")),
            Panel(
                "Oldest command",
                "s",
                (
                    ("max(etp_oldest_command_age_seconds)", "as schedulers see it"),
                    ("max(etp_workers_oldest_command_age_seconds)", "as gateways hear it"),
                ),
                limit=15,
            ),
            Panel(
                "Oldest message of each consumer",
                "s",
                told(
                    "max by (stream, consumer) (etp_consumer_oldest_seconds)",
                    "{{stream}} {{consumer}}",
                ),
                limit=30,
            ),
            Panel(
                "Messages of each consumer",
                "short",
                (
                    (
                        "max by (stream, consumer) (etp_consumer_pending)",
                        "{{stream}} {{consumer}} to be delivered",
                    ),
                    (
                        "max by (stream, consumer) (etp_consumer_ack_pending)",
                        "{{stream}} {{consumer}} in hand",
                    ),
                    (
                        "max by (stream, consumer) (etp_consumer_redelivered)",
                        "{{stream}} {{consumer}} more than once",
                    ),
                ),
            ),
            Panel(
                "Oldest event that is not in PostgreSQL",
                "s",
                (
                    ("max(etp_unprojected_oldest_seconds)", "oldest"),
                    ("max(etp_retention_lag_seconds)", "of batches"),
                ),
                limit=30,
            ),
            Panel(
                "Overdue erasure",
                "s",
                told("max by (job) (etp_erasure_overdue_seconds)", "{{job}}"),
                limit=60,
            ),
            Panel("Partitions ahead", "short", told("min(etp_partitions_ahead)", "hours")),
        ),
        "How long it takes": (
            Panel(
                "Lateness: nominal instant to published",
                "s",
                quantiles("etp_due_lateness_seconds"),
                limit=1,
            ),
            Panel(
                "Lateness: scheduled to fired",
                "s",
                quantiles("etp_executor_lateness_seconds"),
            ),
            Panel(
                "Accepted to logged",
                "s",
                quantiles("etp_accept_to_log_seconds"),
                "What a user waits for: until the row can be read.",
                limit=5,
            ),
        ),
        "What happens": (
            Panel("Occurrences", "ops", rates("etp_due_published_total", "misfire")),
            Panel("Rows by status", "ops", rates("etp_executor_rows_total", "status")),
            Panel("Commands by outcome", "ops", rates("etp_commands_total", "outcome")),
            Panel(
                "Missed, or not plannable",
                "short",
                (
                    ("sum(increase(etp_occurrences_missed_total[5m]))", "missed"),
                    ("sum(increase(etp_schedules_unplanned_total[5m]))", "claims not planned"),
                ),
                "In five minutes.",
            ),
            Panel(
                "Dead letters",
                "short",
                (
                    ("sum by (stream) (increase(etp_dead_letters_total[5m]))", "{{stream}}"),
                    (
                        "sum by (outcome) (increase(etp_redrives_total[5m]))",
                        "redriven: {{outcome}}",
                    ),
                ),
                "In five minutes.",
            ),
            Panel(
                "Too late for the log",
                "short",
                (
                    ("sum(increase(etp_executor_expired_rows_total[5m]))", "at the executor"),
                    ("sum(increase(etp_retention_expired_rows_total[5m]))", "at retention"),
                ),
                "Rows in five minutes whose life was over.",
            ),
        ),
        "Deliveries": (
            Panel(
                "Pending",
                "short",
                told("max(etp_executor_pending_deliveries)", "deliveries"),
            ),
            Panel(
                "Oldest pending",
                "s",
                told("max(etp_executor_oldest_pending_seconds)", "oldest"),
                "Of an endpoint that is away it may be hours old; after 48 h it is dead.",
                limit=86_400,
            ),
            Panel(
                "Attempts by outcome",
                "ops",
                rates("etp_executor_attempts_total", "type", "outcome"),
            ),
            Panel(
                "Event to its first attempt",
                "s",
                quantiles("etp_executor_first_attempt_lag_seconds"),
                limit=5,
            ),
            Panel("Time of an attempt", "s", quantiles("etp_executor_attempt_seconds", "type")),
            Panel(
                "In hand",
                "short",
                (
                    ("sum(etp_executor_attempts_in_flight)", "attempts in flight"),
                    ("sum(etp_executor_lanes)", "targets served"),
                    ("sum(etp_executor_open_breakers)", "breakers open"),
                ),
            ),
            Panel(
                "Dead, hindered by us, and targets that changed",
                "short",
                (
                    (
                        "sum by (reason) (increase(etp_executor_dead_deliveries_total[5m]))",
                        "dead: {{reason}}",
                    ),
                    (
                        "sum by (cause) (increase(etp_executor_hindered_attempts_total[5m]))",
                        "hindered: {{cause}}",
                    ),
                    (
                        "sum by (change) (increase(etp_executor_health_changes_total[5m]))",
                        "target {{change}}",
                    ),
                    (
                        "sum(increase(etp_executor_untold_health_changes_total[5m]))",
                        "not told of a target",
                    ),
                ),
                "In five minutes.",
            ),
            Panel(
                "Plans and records",
                "ops",
                (
                    (f"sum(rate(etp_executor_planned_deliveries_total[{RATE}]))", "planned"),
                    (f"sum(rate(etp_executor_projected_records_total[{RATE}]))", "in the index"),
                    (f"sum(rate(etp_retention_projected_records_total[{RATE}]))", "in the log"),
                ),
            ),
            Panel(
                "Index behind the records",
                "s",
                told("max(etp_executor_projection_lag_seconds)", "lag"),
                limit=30,
            ),
        ),
        "The gateway": (
            Panel("Requests by status", "reqps", rates("etp_http_requests_total", "status")),
            Panel(
                "Failures",
                "percentunit",
                (
                    ("etp:http_errors:ratio_rate5m", "5 minutes"),
                    ("etp:http_errors:ratio_rate1h", "1 hour"),
                    ("etp:http_errors:ratio_rate6h", "6 hours"),
                ),
                "5xx among all answers.",
                limit=0.0144,
            ),
            Panel("Slowest routes", "s", quantiles("etp_http_request_seconds", "route")),
            Panel("Connections refused", "ops", rates("etp_http_refused_total", "reason")),
            Panel("First pages in the cache", "ops", rates("etp_cache_requests_total", "result")),
            Panel(
                "Live streams",
                "short",
                (
                    ("sum(etp_stream_readers)", "readers"),
                    ("sum(increase(etp_stream_dropped_total[5m]))", "ended for being slow"),
                ),
            ),
        ),
    },
)


PROCESSES = Dashboard(
    "etp-processes",
    "Event Trigger Platform: processes",
    {
        "Alive": (
            Panel(
                "Versions",
                "short",
                told("count by (service, version) (etp_build_info)", "{{service}} {{version}}"),
                kind="stat",
            ),
            Panel(
                "Checks that fail",
                "short",
                told("etp_ready_check == 0", "{{job}} {{instance}} {{check}}"),
            ),
            Panel(
                "Connected to the broker",
                "short",
                told("etp_broker_connected", "{{job}} {{instance}}"),
            ),
            Panel(
                "Heartbeats heard",
                "short",
                told("max by (service) (etp_workers_alive)", "{{service}}"),
            ),
            Panel(
                "CPU",
                "percentunit",
                told(f"rate(process_cpu_seconds_total{{{JOBS}}}[{RATE}])", "{{job}} {{instance}}"),
            ),
            Panel(
                "Memory",
                "bytes",
                told(f"process_resident_memory_bytes{{{JOBS}}}", "{{job}} {{instance}}"),
            ),
            Panel(
                "Event loop",
                "s",
                told("etp_event_loop_lag_seconds", "{{job}} {{instance}}"),
                limit=0.5,
            ),
            Panel(
                "Loops that fail",
                "short",
                told(
                    "sum by (job, loop) (increase(etp_loop_failures_total[5m]))", "{{job}} {{loop}}"
                ),
            ),
        ),
        "PostgreSQL": (
            Panel(
                "Connections in use",
                "percentunit",
                told("etp_pool_in_use / etp_pool_size", "{{pool}} {{instance}}"),
                limit=1,
            ),
            Panel(
                "Waiting for a connection",
                "s",
                quantiles("etp_pool_wait_seconds", "pool"),
                limit=0.25,
            ),
            Panel(
                "Rows of the log",
                "ops",
                (
                    (f"sum(rate(etp_retention_projected_rows_total[{RATE}]))", "written"),
                    (f"sum(rate(etp_retention_repeated_rows_total[{RATE}]))", "there already"),
                    (f"sum(rate(etp_retention_projected_records_total[{RATE}]))", "of deliveries"),
                    (f"sum(rate(etp_retention_swept_rows_total[{RATE}]))", "erased"),
                    (f"sum(rate(etp_retention_dead_letters_total[{RATE}]))", "no rows"),
                ),
            ),
        ),
        "The broker": (
            Panel("Stored messages", "ops", rates("etp_messages_published_total", "stream")),
            Panel("Writes", "ops", rates("etp_publish_batches_total", "stream")),
            Panel("Time of a write", "s", quantiles("etp_publish_seconds", "stream"), limit=0.25),
            Panel(
                "Writes that failed", "ops", rates("etp_publish_failures_total", "stream", "kind")
            ),
            Panel("Handled messages", "ops", rates("etp_messages_consumed_total", "consumer")),
            Panel(
                "Messages in a batch", "short", quantiles("etp_consumed_batch_messages", "consumer")
            ),
            Panel("Batches that failed", "ops", rates("etp_handler_failures_total", "consumer")),
            Panel(
                "What is passed over",
                "short",
                (
                    (
                        "sum by (stream) (increase(etp_records_unreadable_total[5m]))",
                        "unreadable records of {{stream}}",
                    ),
                    (
                        "sum by (consumer) (increase(etp_messages_passed_over_total[5m]))",
                        "for others, met by {{consumer}}",
                    ),
                    ("sum(increase(etp_messages_malformed_total[5m]))", "malformed"),
                    ("sum(increase(etp_messages_unheard_total[5m]))", "not taken"),
                    ("sum(increase(etp_stream_unreadable_total[5m]))", "left out of live streams"),
                ),
                "In five minutes.",
            ),
            Panel(
                "Commands that wait for a schema", "short", told("max(etp_slow_commands_waiting)")
            ),
        ),
        "Traces": (Panel("Spans", "ops", rates("etp_trace_spans_total", "result")),),
    },
)

DASHBOARDS = (PLATFORM, PROCESSES)


def path_of(dashboard: Dashboard) -> Path:
    return FOLDER / f"{dashboard.uid}.json"


if __name__ == "__main__":
    for one in DASHBOARDS:
        path_of(one).write_text(text_of(one), encoding="utf-8")
