"""``python -m bench.schedules.peers NAME create|work PLAN``: one peer's client or worker.

A client says ``created SECONDS`` and ends. A worker says ``ready`` and goes on until it is
killed; one that has to create its own triggers (``firsts_ms``) says ``created`` first.
"""

import importlib
import sys
from pathlib import Path

from bench.schedules.workload import Plan


def main() -> None:
    name, role, path = sys.argv[1:4]
    peer = importlib.import_module(f"bench.schedules.peers.{name}")
    getattr(peer, role)(Plan.read(Path(path)))


main()
