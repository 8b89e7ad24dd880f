"""Garbage is collected in a process that runs, and not while it imports."""

import subprocess
import sys

import pytest

SERVICES = ("api", "scheduler", "executor", "retention")


def prints(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_without_collecting_garbage(service: str) -> None:
    look = f"import trigger_{service}.__main__, gc; print(gc.isenabled())"
    assert prints(look) == "False"


def test_a_service_that_runs_collects_it() -> None:
    look = """
import gc
import trigger_runtime.process.starting
from trigger_runtime.worker import run

async def main():
    return gc.isenabled()

print(run(main))
"""
    assert prints(look) == "True"
