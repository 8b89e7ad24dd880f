"""``python -m trigger_cli``: a client's commands, without anything that runs a platform."""

from trigger_runtime.process.usage import run

from .cli import app

if __name__ == "__main__":
    run(app)
