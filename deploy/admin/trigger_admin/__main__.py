"""``python -m trigger_admin``: the administrator's commands, without ``etp up`` and its servers."""

from trigger_runtime.process.command_line import prepare_output

from .cli import app

if __name__ == "__main__":
    prepare_output()
    app()
