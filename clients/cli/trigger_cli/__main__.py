"""``python -m trigger_cli``: a client's commands, without anything that runs a platform."""

from trigger_runtime.process.command_line import show_any_letter

from .cli import app

if __name__ == "__main__":
    show_any_letter()
    app()
