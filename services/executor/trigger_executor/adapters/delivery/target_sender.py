"""Makes each attempt by the way that its target is reached."""

from trigger_executor.domain.delivery.attempt import Attempt, SendResult
from trigger_executor.ports.sending import Sender

from .subject_sender import SubjectSender
from .webhook_sender import WebhookSender


class TargetSender(Sender):
    """Implements ``Sender`` for all types of targets."""

    def __init__(self, webhooks: WebhookSender, subjects: SubjectSender) -> None:
        self._webhooks = webhooks
        self._subjects = subjects

    async def send(self, attempt: Attempt) -> SendResult:
        match attempt.definition.type:
            case "webhook":
                return await self._webhooks.send(attempt)
            case "nats":
                return await self._subjects.send(attempt)

    async def close(self) -> None:
        """Close what is open to receivers; the broker's connection is the process's."""
        await self._webhooks.close()
