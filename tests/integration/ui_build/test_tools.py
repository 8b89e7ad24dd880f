"""The web UI's own tests, and its types beside the gateway's OpenAPI document."""

import asyncio
import sys
from pathlib import Path

from ui_build import schema_types


async def test_the_tests_of_the_web_ui_pass() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ui_build", "test"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def test_the_types_of_the_web_ui_are_those_that_the_gateway_serves(tmp_path: Path) -> None:
    """If this fails: `make ui-types`, and look at what changed."""
    made = tmp_path / "schema.gen.ts"
    await asyncio.to_thread(schema_types.generate, made)
    assert made.read_text() == schema_types.GENERATED.read_text()
