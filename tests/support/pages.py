"""The requests of the pages, run as a reader pastes them into a shell."""

import asyncio
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)

_CURL = """#!/bin/sh
# As curl, but a refusal is a failure, and what would go on for ever ends after 3 s.
case " $* " in
  *" -sSN "*) %(curl)s --fail-with-body --max-time 3 "$@" || [ $? = 28 ] ;;
  *" -sSf "*) exec %(curl)s "$@" ;;
  *) exec %(curl)s --fail-with-body "$@" ;;
esac
"""


def requests(page: str, under: str = "") -> list[str]:
    """The blocks of a page that send requests, as they stand; of those ``under`` a heading."""
    text = (ROOT / page).read_text()
    if under:
        text = re.split(r"(?m)^#+ ", text.partition(f" {under}\n")[2])[0]
    return [block for block in _BLOCK.findall(text) if "curl " in block]


async def paste(blocks: Sequence[str], folder: Path, **environment: str) -> str:
    """What they print, one after the other in one shell; fails unless each of them succeeds."""
    (folder / "curl").write_text(_CURL % {"curl": shutil.which("curl")})
    (folder / "curl").chmod(0o755)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", "set -eu\n" + "\n".join(blocks)),
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, printed.decode()[-2000:]
    return printed.decode()
