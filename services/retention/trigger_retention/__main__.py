"""``python -m trigger_retention``: serve until SIGTERM or SIGINT, then finish what is in hand."""

import sys

from trigger_runtime.worker import run

from .bootstrap import main

sys.exit(run(main))
