"""``python -m trigger_cli``: a client's commands, without anything that runs a platform."""

from trigger_runtime.process.command_line import prepare_output

from .cli import app

if __name__ == "__main__":
    prepare_output()
    app()
