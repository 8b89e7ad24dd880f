"""What the deliver role needs of the world outside the platform."""

from typing import Protocol

from trigger_executor.domain.delivery.attempt import Attempt, SendResult


class Sender(Protocol):
    """Makes attempts, any number of them at once, none of which hinders another."""

    async def send(self, attempt: Attempt) -> SendResult:
        """One whole attempt, within the target's ``timeout`` and half a second.

        It may take up to a second more before it begins, where as many attempts as may be are in
        flight to the same origin; ``started_at`` is after that. Whatever the receiver does, this
        returns, and raises nothing: what it came to is in the result. It records nothing, retries
        nothing and waits for no pause: those are the lane's.

        Cancelled, it leaves no connection behind; whether the receiver got the event is unknown.
        """
        ...
