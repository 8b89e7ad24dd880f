"""``python -m trigger_cli``: a client's commands, without anything that runs a platform."""

import trigger_runtime.process.garbage  # noqa: F401 (first: it spares the imports that follow)
from trigger_runtime.process.usage import run

from .cli import app

if __name__ == "__main__":
    run(app)
