"""Which integration tests CI runs on servers in containers, too; all are ``make test-containers``.

Some of each folder, which between them start, stop, kill and configure servers in all the ways
that tests do.
"""

INTEGRATION = "tests/integration"

CHOSEN = (
    # With accounts of the test's own.
    "admin/test_access.py::test_the_administrator_enters_by_the_node_that_is_there",
    # Three brokers that find each other, and a database that is dropped.
    "admin/test_backup_cluster.py",
    # Valkey is killed.
    "api/test_cache.py",
    # The broker is stopped, and started later.
    "api/test_faults.py::test_the_broker_may_be_away_at_the_start",
    # It is killed in mid-work.
    "executor/test_dues.py::test_the_broker_going_away_loses_and_doubles_nothing",
    # Into the files of one that is stopped.
    "local/test_damaged.py::test_readers_and_consumers_go_past_a_record_that_is_damaged",
    # What was acknowledged and committed outlives SIGKILL.
    "local/test_servers.py::test_acknowledged_messages_survive_a_killed_broker",
    "local/test_servers.py::test_committed_rows_survive_a_killed_database",
    "retention/test_service.py",
    # PostgreSQL is stopped.
    "runtime/test_database.py::test_a_database_that_goes_away_and_comes_back",
    # TLS, and another broker at the port of the one before.
    "runtime/test_renewed_certificates.py",
    # PostgreSQL is killed.
    "scheduler/test_order.py::test_commands_stored_while_the_database_is_down_are_applied_so",
)
