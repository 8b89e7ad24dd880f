"""``python -m trigger_admin``: the administrator's commands, without ``etp up`` and its servers."""

from trigger_runtime.process.command_line import show_any_letter

from .cli import app

if __name__ == "__main__":
    show_any_letter()
    app()
