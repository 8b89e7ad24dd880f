"""The integration tests with ``ETP_TEST_SERVERS=docker``: the same ones, on contained servers.

All of them take longer than on embedded ones: ``make test-containers``. Here are some of each
folder, which between them start, stop, kill and configure servers in all the ways that tests do.
"""

import re

import pytest

from tests.support.engine.chosen import CHOSEN, INTEGRATION
from tests.support.engine.contained_tests import ContainedTests
from tests.support.engine.packages import ROOT

WITHOUT_SERVERS = {"ui_build"}

TIMEOUT_S = 600


def test_every_folder_that_needs_servers_is_represented() -> None:
    folders = {path.parent.name for path in (ROOT / INTEGRATION).glob("*/__init__.py")}
    assert {chosen.split("/")[0] for chosen in CHOSEN} == folders - WITHOUT_SERVERS


@pytest.mark.timeout(TIMEOUT_S + 30)
def test_integration_tests_pass_on_servers_in_containers(contained_tests: ContainedTests) -> None:
    code, said = contained_tests.ended(TIMEOUT_S)
    assert code == 0, said[-10_000:]
    passed = re.search(r"\d+ passed.* in \S+", said)
    assert passed is not None
    assert "skipped" not in passed[0]
    print(f"on servers in containers: {passed[0]}")
    assert contained_tests.left() == []
