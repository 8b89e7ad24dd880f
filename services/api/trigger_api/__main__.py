"""``python -m trigger_api``: one process of the gateway, until SIGTERM or SIGINT."""

import sys

from trigger_runtime.worker import run

from .bootstrap import serve
from .settings import Settings


def main() -> int:
    settings = Settings()
    return run(lambda: serve(settings))


if __name__ == "__main__":
    sys.exit(main())
