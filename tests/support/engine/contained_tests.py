"""Integration tests on servers in containers, by a pytest of their own that may run beside another.

They need two cores for a while; a test that waits for an alert needs none, and can begin them.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import BinaryIO

from .packages import ROOT
from .running import Engine

LABEL = "org.testcontainers=true"
"""What all of their containers have, and none of a deployment."""


class ContainedTests:
    """Begun once, by whoever asks first."""

    def __init__(self, engine: Engine, chosen: Sequence[str], said: BinaryIO) -> None:
        """``said``: a file for what they say."""
        self._engine = engine
        self._chosen = chosen
        self._process: subprocess.Popen[bytes] | None = None
        self._said = said

    def begin(self) -> None:
        """Run them from now on, if they do not yet."""
        if self._process is None:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                    *("-n2", "--dist", "loadfile", "--no-loadscope-reorder"),
                    *self._chosen,
                ],
                cwd=ROOT,
                env={**os.environ, **self._engine.environment, "ETP_TEST_SERVERS": "docker"},
                stdout=self._said,
                stderr=subprocess.STDOUT,
            )

    def ended(self, within: float) -> tuple[int, str]:
        """Their exit code, and what they said. Raises TimeoutExpired."""
        self.begin()
        assert self._process is not None
        code = self._process.wait(within)
        self._said.seek(0)
        return code, self._said.read().decode()

    def left(self) -> list[str]:
        """Their containers that are there."""
        found = self._engine.client.containers.list(filters={"label": LABEL})
        return [str(one.name) for one in found]

    def close(self) -> None:
        """End them, if they were not waited for."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(30)
