"""What the tests of the runtime share."""

import io
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from trigger_runtime.process import logging_setup as logs
from trigger_runtime.process.settings import LogSettings


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The log of this process, as people read it; whoever set it up before, or after."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    logs.set_up_logging(LogSettings(log_format="console"), service="api")
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)
