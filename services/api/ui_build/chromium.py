"""A real Chromium, for what looks at the UI as people do: tests, and the bench."""

import os
import shutil
import subprocess
from typing import Any

from .node import MODULES, UI, node_program

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PACKED = "@sparticuz/chromium"
"""A Chromium as an npm package, for machines where nothing can be installed."""

MISSING = "no Chromium: apt-get install chromium, or name one by ETP_CHROMIUM"


def chromium_path() -> str | None:
    """The program: named by ``ETP_CHROMIUM``, installed, or that of the npm package."""
    named = os.environ.get("ETP_CHROMIUM")
    if named:
        return named
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None and (MODULES / PACKED).is_dir():
        tell = (
            f"import('{PACKED}').then(async (c) => console.log(await c.default.executablePath()))"
        )
        found = subprocess.check_output(  # noqa: S603 - our own node
            [str(node_program()), "-e", tell], cwd=UI, text=True
        ).strip()
    return found


def launch_options(path: str) -> dict[str, Any]:
    """As root, Chromium has no sandbox of its own to stay in."""
    return {
        "executable_path": path,
        "args": ["--no-sandbox"] if os.geteuid() == 0 else [],
    }
