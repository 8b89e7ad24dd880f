"""The commands: ``python -m ui_build build | check | test``.

``build --or-go-on`` is for whoever starts the platform next: it says in a sentence why there is no
UI, or an old one, and ends well.
"""

import argparse
import sys
import time

from . import building
from .node import UiBuildError, alone, installed, shown

CHECKS = (
    ("@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."),
    ("typescript/bin/tsc", "--noEmit"),
)
TESTS = (("vitest/vitest.mjs", "run"),)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ui_build", description=__doc__)
    parser.add_argument("command", choices=["build", "check", "test"])
    parser.add_argument("--or-go-on", action="store_true")
    asked = parser.parse_args()
    try:
        if asked.command == "build":
            return _build()
        return _run_all(CHECKS if asked.command == "check" else TESTS)
    except UiBuildError as error:
        if asked.or_go_on:
            print(f"The web UI is not built anew: {error}. The API starts without; see `make ui`.")
            return 0
        print(error.said, end="", file=sys.stderr)
        print(f"The web UI: {error}.", file=sys.stderr)
        return 1


def _build() -> int:
    began = time.monotonic()
    begun: list[str] = []

    def say(line: str) -> None:
        begun.append(line)
        print(line, flush=True)

    building.build(say)
    if begun:
        print(f"The web UI is built ({time.monotonic() - began:.0f} s).")
    return 0


def _run_all(tools: tuple[tuple[str, ...], ...]) -> int:
    with alone():
        installed(to_check=True)
    return max(shown(*tool) for tool in tools)


if __name__ == "__main__":
    sys.exit(main())
