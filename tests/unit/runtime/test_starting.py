"""Garbage is collected in a process that runs, and not while it imports or ends."""

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


@pytest.mark.parametrize("program", ["trigger_local", "trigger_admin", "trigger_cli"])
def test_so_does_a_command(program: str) -> None:
    look = f"import {program}.__main__, gc; print(gc.isenabled())"
    assert prints(look) == "False"


def test_a_command_that_runs_collects_it() -> None:
    look = """
import gc
import trigger_runtime.process.garbage
import typer
from trigger_runtime.process.usage import run

app = typer.Typer()

@app.command()
def show():
    print(gc.isenabled())

run(app)
"""
    assert prints(look) == "True"


@pytest.mark.parametrize(("first", "looks"), [("trigger_runtime.process.garbage", ""), ("gc", "y")])
def test_what_is_left_at_the_end_is_not_looked_for(first: str, looks: str) -> None:
    left = f"""
import {first}

class Left:
    def __init__(self):
        self.itself = self

    def __del__(self):
        print("y")

Left()
"""
    assert prints(left) == looks


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
