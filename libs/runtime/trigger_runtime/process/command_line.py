"""What a command says when it cannot do what was asked: one line, and exit code 1."""


class ExplainedError(Exception):
    """A failure that its reader can do something about. The message is for the terminal."""
