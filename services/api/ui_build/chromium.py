"""A real Chromium, for what looks at the UI as people do: tests, and the bench."""

import os
import shutil
import subprocess
from typing import Any

from .node import MODULES, UI, node_program

HEADLESS_SHELL = "chromium-headless-shell"
"""Chromium without the windows of a browser around its pages: the same engine, network and
storage. A page and its context take it 2 seconds of CPU less, so tests prefer it."""
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PACKED = "@sparticuz/chromium"
"""A Chromium as an npm package, for machines where nothing can be installed."""

MISSING = f"no Chromium: apt-get install {HEADLESS_SHELL}, or name one by ETP_CHROMIUM"


def chromium_path(*, prefers_shell: bool = False) -> str | None:
    """The program: named by ``ETP_CHROMIUM``, installed, or that of the npm package.

    What people have comes first, unless one ``prefers_shell``.
    """
    named = os.environ.get("ETP_CHROMIUM")
    if named:
        return named
    programs = (HEADLESS_SHELL, *PROGRAMS) if prefers_shell else (*PROGRAMS, HEADLESS_SHELL)
    found = next(filter(None, map(shutil.which, programs)), None)
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
