"""``python -m trigger_admin``: the administrator's commands, without ``etp up`` and its servers."""

from trigger_runtime.process.usage import run

from .cli import app

if __name__ == "__main__":
    run(app)
