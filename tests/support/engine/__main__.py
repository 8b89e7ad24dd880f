"""``python -m tests.support.engine [--build] [PROGRAM …]``: an engine for as long as it is wanted.

Starts one (or takes the one that answers), builds the platform's image if asked to, and runs the
program with ``DOCKER_HOST`` set; without a program it waits for Ctrl-C or SIGTERM.
Where there can be no engine, ``--or-without`` runs the program all the same: it can tell itself.
``prepare`` only fetches what an engine is made of.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from .packages import MissingError, base_system, check_machine, engine_path
from .running import an_engine
from .tools import have_tools


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.engine", description=__doc__)
    parser.add_argument("--build", action="store_true", help="build the platform's image")
    parser.add_argument("--or-without", action="store_true", help="run the program anyway")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if asked.program == ["prepare"]:
            check_machine()
            engine_path()
            base_system()
            have_tools()
            return 0
        with an_engine() as engine:
            if asked.build:
                print(engine.platform_image, flush=True)
            if asked.program:
                return _run(asked.program, engine.environment)
            print(f"export DOCKER_HOST={engine.address}", flush=True)
            signal.pause()
    except MissingError as missing:
        if asked.program and asked.or_without:
            return _run(asked.program, {})
        sys.exit(str(missing))
    except KeyboardInterrupt:
        pass
    return 0


def _run(program: list[str], environment: Mapping[str, str]) -> int:
    # Ctrl-C reaches the program as well: it is waited for until it has put everything away.
    signal.signal(signal.SIGINT, lambda *_: None)
    return subprocess.run(program, check=False, env={**os.environ, **environment}).returncode


if __name__ == "__main__":
    sys.exit(main())
