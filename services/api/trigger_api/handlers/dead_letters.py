"""Dead letters: list them, look at one, have its service handle it again.

The gateway decides nothing and publishes nothing of a letter: it names the letter to the service
that dead-lettered it, and tells what that one answers.
"""

from datetime import timedelta
from uuid import UUID

from trigger_api.domain import dead_letters as shown
from trigger_api.domain.dead_letters import (
    DeadLetterQuery,
    DeadLetterShown,
    FoundLetter,
    RedriveShown,
)
from trigger_api.domain.log import lifetimes
from trigger_api.ports.dead_letters import DeadLetterStore
from trigger_api.ports.paging import Listed
from trigger_api.ports.process import Clock
from trigger_contracts.errors import Code, Refused, refused
from trigger_contracts.events import DeadLetter, DeadLetterHandled
from trigger_contracts.redrives import RedriveOutcome
from trigger_runtime.process.errors import DependencyUnavailable

UNREADABLE = (
    "what is kept of this dead letter cannot be read, so it is neither shown nor handled again: "
    "an administrator finds and removes it by etp records"
)


class DeadLetterQueue:
    """List, look at and redrive dead letters. All raise ``BrokerUnavailable``."""

    def __init__(self, *, dead_letters: DeadLetterStore, clock: Clock, kept_for: timedelta) -> None:
        self._dead_letters = dead_letters
        self._clock = clock
        self._kept_for = kept_for

    async def page(self, query: DeadLetterQuery) -> Listed[DeadLetterShown]:
        """The letter that was dead-lettered last comes first."""
        return await self._dead_letters.page(query)

    async def show(self, letter_id: str) -> DeadLetterShown:
        """The whole letter; raises ``Refused`` (404, 410, 422)."""
        found, letter = await self._find(letter_id)
        return shown.shown(found, letter, self._kept_for, in_list=False)

    async def redrive(self, letter_id: str) -> RedriveShown:
        """Raises ``Refused`` (404, 410, 422), ``DependencyUnavailable``: then it is as it was."""
        found = await self._dead_letters.find(_checked(letter_id))
        if found is not None and isinstance(found.letter, DeadLetterHandled):
            return shown.redriven(letter_id, RedriveOutcome.HANDLED, "")
        found, letter = self._alive(letter_id, found)
        if not letter.is_whole:
            detail = "the message was too large to be kept whole, so it cannot be handled again"
            raise refused(Code.INVALID, detail, pointer="/path/letter_id")
        answer = await self._dead_letters.redrive(found)
        if answer is None:
            return shown.not_answered(letter_id, found.service)
        match answer.outcome:
            case RedriveOutcome.HANDLED | RedriveOutcome.FAILED:
                return shown.redriven(letter_id, answer.outcome, answer.reason or "")
            case RedriveOutcome.ABSENT:
                # Handled or over since it was found; else the service's replica is behind ours.
                await self._find(letter_id)
                raise DependencyUnavailable(f"the {found.service} does not see it yet")
            case RedriveOutcome.UNAVAILABLE:
                raise DependencyUnavailable(f"the {found.service} waits for a server")

    async def _find(self, letter_id: str) -> tuple[FoundLetter, DeadLetter]:
        return self._alive(letter_id, await self._dead_letters.find(_checked(letter_id)))

    def _alive(self, letter_id: str, found: FoundLetter | None) -> tuple[FoundLetter, DeadLetter]:
        if found is None:
            # Its id tells when its original was stored.
            is_over = lifetimes.is_over(UUID(letter_id), self._clock.now(), self._kept_for)
            raise self._gone() if is_over else _absent()
        if found.letter is None:
            raise refused(Code.INVALID, UNREADABLE, pointer="/path/letter_id")
        letter = found.alive(self._clock.now(), self._kept_for)
        if letter is not None:
            return found, letter
        if isinstance(found.letter, DeadLetterHandled):
            at = found.letter.handled_at.isoformat(timespec="seconds")
            raise refused(Code.GONE, f"it was redriven and handled at {at}")
        raise self._gone()

    def _gone(self) -> Refused:
        hours = self._kept_for / timedelta(hours=1)
        detail = f"dead letters are erased {hours:g} hours after their message was stored"
        return refused(Code.GONE, detail)


def _checked(letter_id: str) -> str:
    """An id that a dead letter could have, in the one way to write it."""
    try:
        wanted = UUID(letter_id)
    except ValueError:
        raise _absent() from None
    if wanted.version != lifetimes.UUID7 or str(wanted) != letter_id:
        raise _absent()
    return letter_id


def _absent() -> Refused:
    return refused(Code.NOT_FOUND, "there is no such dead letter: it never was, or was handled")
