"""The integration tests with ``ETP_TEST_SERVERS=docker``: the same ones, on contained servers.

All of them take longer than on embedded ones: ``make test-containers``. Here are some of each
folder, which between them start, stop, kill and configure servers in all the ways that tests do.
"""

import os
import re
import subprocess
import sys

import pytest

from tests.support.engine.packages import ROOT
from tests.support.engine.running import Engine

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
WITHOUT_SERVERS = {"ui_build"}

TIMEOUT_S = 600


def test_every_folder_that_needs_servers_is_represented() -> None:
    folders = {path.parent.name for path in (ROOT / INTEGRATION).glob("*/__init__.py")}
    assert {chosen.split("/")[0] for chosen in CHOSEN} == folders - WITHOUT_SERVERS


@pytest.mark.timeout(TIMEOUT_S + 30)
def test_integration_tests_pass_on_servers_in_containers(engine: Engine) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-n2", "--dist", "loadfile", "--no-loadscope-reorder"),
            *(f"{INTEGRATION}/{chosen}" for chosen in CHOSEN),
        ],
        check=False,
        cwd=ROOT,
        env={**os.environ, **engine.environment, "ETP_TEST_SERVERS": "docker"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"\d+ passed.* in \S+", done.stdout)
    assert passed is not None
    assert "skipped" not in passed[0]
    print(f"on servers in containers: {passed[0]}")
    assert engine.client.containers.list() == [] or not engine.own
