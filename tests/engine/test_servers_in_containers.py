"""The integration tests with ``ETP_TEST_SERVERS=docker``: the same ones, on contained servers."""

import os
import re
import subprocess
import sys

import pytest

from tests.support.engine.packages import ROOT
from tests.support.engine.running import Engine

FILES = (
    "tests/integration/retention/test_service.py",
    "tests/integration/executor/test_fires.py",
    "tests/integration/api/test_cache.py",
)
"""One of each server's: they kill PostgreSQL, the broker and Valkey, and start them again."""

TIMEOUT_S = 600


@pytest.mark.timeout(TIMEOUT_S + 30)
def test_integration_tests_pass_on_servers_in_containers(engine: Engine) -> None:
    env = {
        **os.environ,
        **engine.environment,
        "ETP_TEST_SERVERS": "docker",
        # Its helper container would have to come from a registry; each test removes its own.
        "TESTCONTAINERS_RYUK_DISABLED": "true",
        # A published port, and not the bridge's address, which is not.
        "TESTCONTAINERS_CONNECTION_MODE": "docker_host",
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *FILES],
        check=False,
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    print(f"on servers in containers: {passed[0]}")
    assert engine.client.containers.list() == [] or not engine.own
