"""``python -m trigger_api``: run one process of the gateway until SIGTERM or SIGINT."""

import sys

import trigger_runtime.process.starting  # noqa: F401 (first: what it does, it does to the others)
from trigger_contracts.subjects import Service
from trigger_runtime.process.setting_errors import from_environment
from trigger_runtime.worker import run

from .bootstrap import serve
from .settings import Settings

if __name__ == "__main__":
    settings = from_environment(Settings, Service.API)
    sys.exit(run(lambda: serve(settings)))
