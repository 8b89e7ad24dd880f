"""``python -m trigger_retention``: run retention until SIGTERM or SIGINT."""

import sys

from trigger_runtime.worker import run

from .bootstrap import serve
from .settings import Settings

if __name__ == "__main__":
    sys.exit(run(lambda: serve(Settings())))
