"""The broker's answers to what was published, each to a subject of its own under one inbox.

nats-py's ``request`` does the same with a task, a timer and a random token a message, which at a
thousand messages a second is a tenth of a core. Here whoever asks bounds the time for all it
asked at once. Used by ``atomic_batch``, and by the executor for users' streams.
"""

import asyncio

from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from .connection import Connection
from .inbox import Inbox

NO_RESPONDERS = "503"


class Replies:
    """The answers that are expected, by their subject: for many requests one subscription."""

    def __init__(self, connection: Connection) -> None:
        self._inbox = Inbox(connection.client, self._received)
        self._waiting: dict[str, asyncio.Future[bytes]] = {}

    async def open(self) -> None:
        """Subscribe, once."""
        await self._inbox.open()

    def expect(self) -> tuple[str, asyncio.Future[bytes]]:
        """A subject to name as the reply's, and the answer's body to come."""
        subject = self._inbox.new_subject()
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[subject] = answer
        return subject, answer

    def forget(self, subjects: list[str]) -> None:
        """Whatever comes to these now is of no interest any more."""
        for subject in subjects:
            self._waiting.pop(subject, None)

    def _received(self, message: Msg) -> None:
        answer = self._waiting.pop(message.subject, None)
        if answer is None or answer.done():
            return
        if message.headers and message.headers.get("Status") == NO_RESPONDERS:
            answer.set_exception(NoRespondersError())
        else:
            answer.set_result(message.data)
