"""What can go wrong outside the process, as types that a use case or a readiness check can match.

Adapters raise only these; nats-py's and asyncpg's own exceptions do not leave this package.
"""


class DependencyUnavailable(Exception):  # noqa: N818 - named for the state, not for the class
    """A server that we need does not answer: retry later, tell callers 503."""


class BrokerUnavailable(DependencyUnavailable):
    """No acknowledgement came: stored or not is unknown. Retry with the same message id."""


class DatabaseUnavailable(DependencyUnavailable):
    """PostgreSQL cannot be reached, or broke the connection: the transaction did not happen."""


class DatabaseNotProvisioned(DatabaseUnavailable):
    """PostgreSQL is there, and what the admin step makes in it is not (any more)."""


class PublishRefused(Exception):  # noqa: N818
    """The broker (or a check before it) refused the message for good; nothing was stored."""

    def __init__(self, description: str, *, code: int | None = None) -> None:
        super().__init__(description if code is None else f"{description} ({code})")
        self.code = code
        """The broker's ``err_code``; None where the message never left the process."""


class StaleExpectation(PublishRefused):
    """The subject's last sequence is not the expected one: somebody else appended first."""

    def __init__(self, description: str, *, last_seq: int | None) -> None:
        super().__init__(description, code=10071)
        self.last_seq = last_seq
        """The subject's true last sequence, where the broker said it."""


class ReadRefused(Exception):  # noqa: N818
    """The broker refused a read for good."""


class StreamMissing(ReadRefused):
    """There is no such stream."""


class Noted(Exception):  # noqa: N818 - no error, but something that somebody should look at
    """A check passes, with something to say of it; whoever asks may read that."""


class NotReady(Exception):  # noqa: N818 - a state of the process's
    """A check fails for a reason that whoever asks may read: it names no host and no user."""
