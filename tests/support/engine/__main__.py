"""``python -m tests.support.engine [--build] [PROGRAM …]``: an engine for as long as it is wanted.

Starts one (or takes the one that answers), builds the platform's image if asked to, and runs the
program with ``DOCKER_HOST`` set; without a program it waits for Ctrl-C or SIGTERM.
``prepare`` only fetches what an engine is made of.
"""

import argparse
import os
import signal
import subprocess
import sys

from .packages import MissingError, base_system, check_machine, engine_path
from .running import an_engine
from .tools import have_tools


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.engine", description=__doc__)
    parser.add_argument("--build", action="store_true", help="build the platform's image")
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
                env = {**os.environ, **engine.environment}
                return subprocess.run(asked.program, check=False, env=env).returncode
            print(f"export DOCKER_HOST={engine.address}", flush=True)
            signal.pause()
    except MissingError as missing:
        sys.exit(str(missing))
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
