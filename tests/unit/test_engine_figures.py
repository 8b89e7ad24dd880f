"""The figures of ``make test-engine`` are shown by the run itself, and so by CI's log."""

import io
from typing import Literal

import pytest

from tests.engine.conftest import pytest_terminal_summary


def report(name: str, when: Literal["setup", "call"], printed: str) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=name,
        location=("", 0, ""),
        keywords={},
        outcome="passed",
        longrepr=None,
        when=when,
        sections=[("Captured stdout call", printed), ("Captured log call", "noise")],
    )


def summary(config: pytest.Config, *reports: pytest.TestReport) -> str:
    written = io.StringIO()
    reporter = pytest.TerminalReporter(config, written)
    reporter.stats["passed"] = list(reports)
    pytest_terminal_summary(reporter)
    return written.getvalue()


def test_what_passing_tests_measured_is_shown_at_the_end(pytestconfig):
    stops = report("tests/engine/test_compose.py::test_stops", "call", "api: 0.31 s\nexec: 0.2 s\n")
    shown = summary(
        pytestconfig,
        stops,
        report("tests/engine/test_image.py::test_silent", "call", ""),
        report("tests/engine/test_image.py::test_twice", "setup", "twice\n"),
        report("tests/unit/test_other.py::test_other", "call", "elsewhere\n"),
    )
    lines = shown.splitlines()
    assert " figures " in lines[0]
    assert lines[1:] == ["test_compose.py: api: 0.31 s", "test_compose.py: exec: 0.2 s"]


def test_a_run_without_figures_shows_nothing(pytestconfig):
    silent = report("tests/engine/test_image.py::test_silent", "call", "")
    assert summary(pytestconfig, silent) == ""
