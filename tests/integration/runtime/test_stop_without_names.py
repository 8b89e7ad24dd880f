"""A service stops at once although the name server does not answer for its broker or database."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.support.eventually import eventually
from tests.support.machine import allowed
from trigger_contracts.subjects import Service
from trigger_local import ports

SOURCE = Path(__file__).parents[2] / "support" / "slow_names.c"
LOOKUP_S = 60
"""What a question takes there."""
STOPS_WITHIN_S = 2
"""On a machine of its own, where it takes a third of a second. A stop that waits takes 8."""

COMPILER = shutil.which("gcc") or shutil.which("cc")


@pytest.fixture(scope="module")
def slow_names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if COMPILER is None:
        if os.environ.get("CI"):
            pytest.fail("no C compiler: CI has one")
        pytest.skip("no C compiler, which the stub of the resolver needs")
    library = tmp_path_factory.mktemp("slow") / "slow_names.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library


@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD is Linux's")
@pytest.mark.parametrize("service", Service)
async def test_a_stop_waits_for_no_name(service: Service, slow_names: Path, tmp_path: Path) -> None:
    port, asked = ports.choose_free(set()), tmp_path / "asked"
    asked.touch()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"trigger_{service}"),
        env={
            **os.environ,
            "LD_PRELOAD": str(slow_names),
            "SLOW_NAMES_ASKED": str(asked),
            "ETP_NATS_URL": "nats://broker.invalid:4222",
            "ETP_DATABASE_URL": "postgresql://somebody:secret@database.invalid/etp",
            "ETP_HTTP_PORT": str(port),
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20
        ) as client:

            async def lives() -> bool:
                return (await client.get("/health")).status_code == 200

            await eventually(lives, within=40)
            # A name that nobody answers for keeps no other from being looked up, nor this answer.
            assert (await client.get("/ready")).status_code == 503
        wanted = {"broker.invalid", "database.invalid"}
        await eventually(
            lambda: set(asked.read_text().split()) == wanted, what="both are asked for"
        )
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(process.communicate(), LOOKUP_S)
        took = time.monotonic() - began
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode()
    limit = allowed(STOPS_WITHIN_S)
    assert took < limit, f"{took:.2f} s of {limit:.2f} s: {said.decode()}"
    assert b"never retrieved" not in said
    assert b"Traceback" not in said
    assert b"stopped" in said.splitlines()[-1]
    assert len(asked.read_text().split()) == len(wanted), "each name is asked for once at a time"
