"""Where the result of a command goes: to whoever asked for it, by the header ``reply_to``."""

from collections.abc import Mapping
from typing import Protocol

from .subjects import REPLY_TO_HEADER, is_result_inbox


class ResultSender(Protocol):
    """Tells callers what became of their commands: a port of every worker that answers some."""

    async def send(self, subject: str, body: bytes) -> None:
        """At most once: a result that cannot be sent is lost, what it tells of stands."""
        ...


def inbox_of(headers: Mapping[str, str]) -> str | None:
    """The subject that a command's headers name, if it lies in an inbox that is a caller's."""
    subject = headers.get(REPLY_TO_HEADER)
    return subject if subject is not None and is_result_inbox(subject) else None
