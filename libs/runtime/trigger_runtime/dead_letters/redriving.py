"""Handles a service's own dead letters again when the gateway asks for it.

The original goes through the same use case as at first, with the sequence, the instant and the
headers that it had: nothing is published a second time, ids and instants come out as they would
have, and handling it twice makes one row. Invariant: the letter is there until it is handled.
Whoever hears no answer asks again. Bound to its subject by the service's ``entrypoints``.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from trigger_contracts import dead_letters as letters
from trigger_contracts import subjects
from trigger_contracts.events import DEAD_LETTER, DeadLetter, DeadLetterHandled
from trigger_contracts.redrives import Redrive, Redriven, RedriveOutcome
from trigger_contracts.subjects import Service
from trigger_runtime.consuming.broker import PlatformBroker
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.clock import Clock
from trigger_runtime.process.errors import DependencyUnavailable, StaleExpectation
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.metrics import REDRIVES

from .redelivery import Redelivery, redelivery_of
from .writer import DeadLetterWriter

log = get_logger(__name__)

Handle = Callable[[Sequence[Redelivery]], Awaitable[Sequence[Redelivery]]]
"""A use case, as for deliveries: returns those that cannot be handled yet."""


class Redriver:
    """Redrives letters of one service; ``use_cases`` handle messages by their stream."""

    def __init__(
        self,
        service: Service,
        use_cases: Mapping[str, Handle],
        dead_letters: DeadLetterWriter,
        reader: StreamReader,
        clock: Clock,
        *,
        kept_for: timedelta,
    ) -> None:
        self.service = service
        self._use_cases = use_cases
        self._dead_letters = dead_letters
        self._reader = reader
        self._clock = clock
        self._kept_for = kept_for

    async def __call__(self, asked: Redrive) -> Redriven:
        """Never raises: what cannot be done now is ``unavailable``, and the letter stays."""
        reason: str | None = None
        try:
            outcome, reason = await self._redrive(asked)
        except DependencyUnavailable as error:
            log.warning("redrive waits for a server", letter=asked.id, error=str(error))
            outcome = RedriveOutcome.UNAVAILABLE
        except Exception as error:  # noqa: BLE001 - whatever it is, the letter is still there
            # Without its text, which may quote the message.
            kind = type(error).__name__
            log.error("redrive not done", letter=asked.id, error=kind)  # noqa: TRY400
            outcome = RedriveOutcome.UNAVAILABLE
        REDRIVES.labels(outcome.value).inc()
        log.info("redriven", letter=asked.id, outcome=outcome.value)
        return Redriven(id=asked.id, outcome=outcome, reason=reason)

    async def _redrive(self, asked: Redrive) -> tuple[RedriveOutcome, str | None]:
        stored = await self._reader.last(subjects.dead(self.service, asked.stream, asked.id))
        if stored is None:
            return RedriveOutcome.ABSENT, None
        letter = DEAD_LETTER.validate_json(stored.payload)
        if isinstance(letter, DeadLetterHandled):
            return RedriveOutcome.HANDLED, None
        if letters.deletes_at(letter, self._kept_for) <= self._clock.now():
            return RedriveOutcome.ABSENT, None
        reason = await self._handle(letter)
        if reason is None:
            await self._dead_letters.handled(letter, asked.id)
            return RedriveOutcome.HANDLED, None
        try:
            await self._dead_letters.failed_again(letter, asked.id, reason, stored.seq)
        except StaleExpectation:
            # Redriven by two at once: the other one has said what became of it.
            log.info("redriven elsewhere", letter=asked.id)
        return RedriveOutcome.FAILED, reason

    async def _handle(self, letter: DeadLetter) -> str | None:
        """Why it failed again; None if it is handled. Raises DependencyUnavailable."""
        use_case = self._use_cases.get(letter.stream)
        if use_case is None or not letter.is_whole:
            return "only a message that is kept whole can be handled again"
        redelivery = redelivery_of(letter)
        try:
            later = await use_case([redelivery])
        except DependencyUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this message alone
            return f"{type(error).__name__}: {error}"
        if redelivery.reason is None and later:
            return "it cannot be handled yet"
        return redelivery.reason


def listen(broker: PlatformBroker, redriver: Redriver, *, of_deliveries: bool = False) -> None:
    """Answer requests; of several replicas one gets each. ``of_deliveries``: those for an executor
    that delivers.
    """
    subject = subjects.REDRIVE_DELIVERIES if of_deliveries else subjects.redrive(redriver.service)
    part = "redrives of deliveries" if of_deliveries else "redrives"

    @broker.subscriber(
        subject,
        queue=redriver.service.value,
        title=f"{redriver.service}: {part}",
        description="Handle one of this service's dead letters again; the outcome is the reply.",
    )
    async def redrive(asked: Redrive) -> Any:
        # As FastStream decodes it: of what is no request nothing is known, not even its id.
        try:
            request = Redrive.model_validate(asked)
        except ValidationError:
            log.warning("not a redrive", subject=subject)
            return None
        return await redriver(request)
