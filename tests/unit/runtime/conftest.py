"""What the tests of the runtime share."""

import io
import sys
from collections.abc import Iterator

import pytest

from tests.support.logging_kept import logging_kept
from trigger_runtime.process import logging_setup as logs
from trigger_runtime.process.settings import LogSettings


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The log of this process, as people read it; whoever set it up before, or after."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    with logging_kept():
        logs.set_up_logging(LogSettings(log_format="console"), service="api")
        yield written
