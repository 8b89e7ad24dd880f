"""``python -m trigger_admin``: the administrator's commands, without ``etp up`` and its servers."""

import trigger_runtime.process.garbage  # noqa: F401 (first: it spares the imports that follow)
from trigger_runtime.process.usage import run

from .cli import app

if __name__ == "__main__":
    run(app)
