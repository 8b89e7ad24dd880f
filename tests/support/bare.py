"""A command of ours, as where no more is installed than its own package needs."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence

_PROGRAM = """
import runpy, sys
sys.modules.update(dict.fromkeys({absent!r}))
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


async def run_without(
    absent: Sequence[str],
    module: str,
    *arguments: str,
    stdin: bytes = b"",
    **environment: str,
) -> tuple[int | None, str, str]:
    """``python -m module`` where importing ``absent`` fails: exit code, what it prints and says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PROGRAM.format(absent=tuple(absent), module=module), *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    printed, said = await asyncio.wait_for(process.communicate(stdin), 120)
    return process.returncode, printed.decode(), said.decode()
